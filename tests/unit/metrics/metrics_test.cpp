// Metrics by name, and the text that Prometheus reads.
#include "common/metrics/metrics.hpp"

#include <doctest/doctest.h>

using mx::metrics::Metrics;

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("a counter is made at first use and grows by what is added") {
  Metrics metrics;
  CHECK(metrics.value("max_messages_total") == 0);

  metrics.add("max_messages_total");
  metrics.add("max_messages_total", {}, 2.5);

  CHECK(metrics.value("max_messages_total") == 3.5);
  CHECK(has_line(metrics.text(), "max_messages_total 3.5"));
  CHECK(has_line(metrics.text(), "# TYPE max_messages_total counter"));
}

TEST_CASE("each set of labels is its own series, in whatever order they are given") {
  Metrics metrics;

  metrics.add("max_messages_total", {{"stage", "llm"}, {"outcome", "done"}});
  metrics.add("max_messages_total", {{"outcome", "done"}, {"stage", "llm"}});
  metrics.add("max_messages_total", {{"stage", "llm"}, {"outcome", "dead"}});

  CHECK(metrics.value("max_messages_total", {{"outcome", "done"}, {"stage", "llm"}}) == 2);
  CHECK(metrics.value("max_messages_total", {{"stage", "llm"}, {"outcome", "dead"}}) == 1);
  CHECK(metrics.value("max_messages_total", {{"stage", "llm"}}) == 0);
}

TEST_CASE("labels that only look alike when put together are different series") {
  Metrics metrics;

  metrics.add("max_x_total", {{"a", "b"}, {"c", "d"}});
  metrics.add("max_x_total", {{"a", "bc"}, {"d", ""}});

  CHECK(metrics.value("max_x_total", {{"a", "b"}, {"c", "d"}}) == 1);
  CHECK(metrics.value("max_x_total", {{"a", "bc"}, {"d", ""}}) == 1);
}

TEST_CASE("a gauge has the last value") {
  Metrics metrics;

  metrics.set("max_breaker_state", {{"dependency", "espo"}}, 2);
  metrics.set("max_breaker_state", {{"dependency", "espo"}}, -1);

  CHECK(metrics.value("max_breaker_state", {{"dependency", "espo"}}) == -1);
  CHECK(has_line(metrics.text(), "max_breaker_state{dependency=\"espo\"} -1"));
}

TEST_CASE("a histogram counts into buckets from 1 ms to 60 s") {
  Metrics metrics;

  metrics.observe("max_stage_duration_seconds", {{"stage", "llm"}}, 0.0005);
  metrics.observe("max_stage_duration_seconds", {{"stage", "llm"}}, 0.3);
  metrics.observe("max_stage_duration_seconds", {{"stage", "llm"}}, 600);

  const auto text = metrics.text();
  CHECK(has_line(text, "max_stage_duration_seconds_bucket{stage=\"llm\",le=\"0.001\"} 1"));
  CHECK(has_line(text, "max_stage_duration_seconds_bucket{stage=\"llm\",le=\"0.5\"} 2"));
  CHECK(has_line(text, "max_stage_duration_seconds_bucket{stage=\"llm\",le=\"60\"} 2"));
  CHECK(has_line(text, "max_stage_duration_seconds_bucket{stage=\"llm\",le=\"+Inf\"} 3"));
  CHECK(has_line(text, "max_stage_duration_seconds_count{stage=\"llm\"} 3"));
}

TEST_CASE("label values are escaped in the text") {
  Metrics metrics;

  metrics.add("max_x_total", {{"reason", "a\"b\\c\nd"}});

  CHECK(has_line(metrics.text(), R"(max_x_total{reason="a\"b\\c\nd"} 1)"));
}

TEST_CASE("nothing counted is an empty text") { CHECK(Metrics{}.text().empty()); }
