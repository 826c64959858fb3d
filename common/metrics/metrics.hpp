// Counters, gauges and histograms by name, printed as Prometheus text. Only this folder includes
// prometheus-cpp.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mx::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// All functions: the service's own executor. Label values come from a bounded set of ours, never from
/// outside.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  void add(std::string_view counter, Labels labels = {}, double by = 1);  ///< made at first use
  void set(std::string_view gauge, Labels labels, double value);
  void observe(std::string_view histogram, Labels labels, double seconds);  ///< buckets 1 ms to 60 s
  double value(std::string_view name,
               const Labels& labels = {}) const;  ///< for tests: counter or gauge; 0 when absent
  std::string text() const;                       ///< exposition format 0.0.4

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mx::metrics
