// Scripted answers: instead of the assistant, for requests that match.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "tests/sandbox/pacing.hpp"
#include "tests/sandbox/service.hpp"

namespace mx::sandbox::openai {

/// One step, as JSON: {"match": text of the newest user message, "model", "conversation":
/// metadata.conversation, "round": how many tool rounds this turn has had, "times": per conversation (default
/// 1, 0: always)} and what is answered: "sample": file name | "status", "headers", "body": {..} | "bodyText":
/// ".."; nothing: the assistant's own answer. And how: "delay": ms, "piece": bytes and "pieceDelay": ms of a
/// stream, "cut": after so many bytes.
struct Step {
  std::string match, model, conversation;
  std::optional<std::size_t> round;
  std::uint64_t times = 1;
  milliseconds delay{0}, piece_delay{0};
  std::size_t piece = 7;
  std::optional<std::size_t> cut;
  int status = 200;
  http::Headers headers;
  std::optional<json::value> body;
  std::optional<std::string> body_text;
};

class Scenario {
 public:
  /// Files named by "sample" are looked for in `samples`: {"status","headers","body"|"bodyText"} or raw .sse.
  explicit Scenario(std::filesystem::path samples) : samples_(std::move(samples)) {}
  /// Replaces all steps. Throws std::exception when one is unusable or its sample can't be read.
  void set(const json::array& steps);
  /// The first step that fits and is not used up in this conversation; it is used.
  const Step* take(const json::object& request);

 private:
  Step read(const json::object& step) const;

  std::filesystem::path samples_;
  std::vector<Step> steps_;
  std::map<std::pair<std::size_t, std::string>, std::uint64_t> used_;  ///< step and conversation
};

}  // namespace mx::sandbox::openai
