// Metrics over prometheus-cpp's registry, without its HTTP server: /metrics is served by common/http.
#include "common/metrics/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <unordered_map>

namespace mx::metrics {
namespace {

/// Seconds; 1 ms to 60 s.
const prometheus::Histogram::BucketBoundaries buckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                      0.5,   1,      2.5,   5,    10,    20,   30,  60};

/// One text for one series, so that a hit costs one hash and no map of labels.
std::string key_of(std::string_view name, const Labels& labels) {
  std::string key{name};
  for (const auto& [label, value] : labels) {
    key += '\0';
    key += label;
    key += '\0';
    key += value;
  }
  return key;
}

prometheus::Labels prometheus_labels(const Labels& labels) { return {labels.begin(), labels.end()}; }

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;
  std::map<std::string, prometheus::Family<prometheus::Counter>*, std::less<>> counter_families;
  std::map<std::string, prometheus::Family<prometheus::Gauge>*, std::less<>> gauge_families;
  std::map<std::string, prometheus::Family<prometheus::Histogram>*, std::less<>> histogram_families;
  std::unordered_map<std::string, prometheus::Counter*> counters;
  std::unordered_map<std::string, prometheus::Gauge*> gauges;
  std::unordered_map<std::string, prometheus::Histogram*> histograms;

  /// The series of that name and labels; made at first use. `build` is BuildCounter and the like.
  template <class Families, class Series, class Build, class... Args>
  auto& series(Families& families, Series& known, Build build, std::string_view name, const Labels& labels,
               const Args&... args) {
    auto key = key_of(name, labels);
    if (const auto found = known.find(key); found != known.end()) return *found->second;
    auto family = families.find(name);
    if (family == families.end()) {
      auto& made = build().Name(std::string{name}).Register(registry);
      family = families.emplace(std::string{name}, &made).first;
    }
    auto& metric = family->second->Add(prometheus_labels(labels), args...);
    known.emplace(std::move(key), &metric);
    return metric;
  }
};

Metrics::Metrics() : impl_{std::make_unique<Impl>()} {}
Metrics::~Metrics() = default;

void Metrics::add(std::string_view counter, Labels labels, double by) {
  impl_->series(impl_->counter_families, impl_->counters, prometheus::BuildCounter, counter, labels)
      .Increment(by);
}

void Metrics::set(std::string_view gauge, Labels labels, double value) {
  impl_->series(impl_->gauge_families, impl_->gauges, prometheus::BuildGauge, gauge, labels).Set(value);
}

void Metrics::observe(std::string_view histogram, Labels labels, double seconds) {
  impl_
      ->series(impl_->histogram_families, impl_->histograms, prometheus::BuildHistogram, histogram, labels,
               buckets)
      .Observe(seconds);
}

double Metrics::value(std::string_view name, const Labels& labels) const {
  // The order of labels makes no difference to Prometheus, so it makes none here.
  const auto wanted = prometheus_labels(labels);
  for (const auto& family : impl_->registry.Collect()) {
    if (family.name != name) continue;
    for (const auto& metric : family.metric) {
      prometheus::Labels own;
      for (const auto& label : metric.label) own.emplace(label.name, label.value);
      if (own != wanted) continue;
      return family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
    }
  }
  return 0;
}

std::string Metrics::text() const {
  return prometheus::TextSerializer{}.Serialize(impl_->registry.Collect());
}

}  // namespace mx::metrics
