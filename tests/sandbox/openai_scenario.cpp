// Which scripted answer a request gets.
#include "tests/sandbox/openai_scenario.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace mx::sandbox::openai {
namespace {

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::size_t number(const json::object& object, std::string_view key, std::size_t otherwise) {
  const json::value* value = object.if_contains(key);
  return value ? value->to_number<std::size_t>() : otherwise;
}

void read_answer(Step& step, const json::object& from) {
  step.status = static_cast<int>(number(from, "status", 200));
  if (const json::value* headers = from.if_contains("headers")) {
    for (const auto& [name, value] : headers->as_object())
      step.headers.emplace_back(name, text(headers->as_object(), name));
  }
  if (const json::value* body = from.if_contains("body")) step.body = *body;
  if (from.contains("bodyText")) step.body_text = text(from, "bodyText");
}

struct Turn {
  std::string newest;  ///< the user messages since the last final answer
  std::size_t rounds = 0;
};

Turn turn_of(const json::object& request) {
  Turn turn;
  for (const json::value& one : request.at("messages").as_array()) {
    const json::object& message = one.as_object();
    const json::value* calls = message.if_contains("tool_calls");
    if (message.at("role") == "user") turn.newest += json::serialize(message.at("content")) + "\n";
    if (message.at("role") != "assistant") continue;
    if (calls && calls->is_array()) {
      ++turn.rounds;
    } else {
      turn = {};
    }
  }
  return turn;
}

std::string conversation_of(const json::object& request) {
  const json::value* metadata = request.if_contains("metadata");
  if (metadata && metadata->is_object()) {
    if (std::string name = text(metadata->get_object(), "conversation"); !name.empty()) return name;
  }
  return text(request, "safety_identifier");
}

}  // namespace

Step Scenario::read(const json::object& from) const {
  Step step;
  step.match = text(from, "match");
  step.model = text(from, "model");
  step.conversation = text(from, "conversation");
  if (from.contains("round")) step.round = number(from, "round", 0);
  step.times = number(from, "times", 1);
  step.delay = milliseconds(number(from, "delay", 0));
  step.piece = number(from, "piece", 7);
  step.piece_delay = milliseconds(number(from, "pieceDelay", 0));
  if (from.contains("cut")) step.cut = number(from, "cut", 0);
  read_answer(step, from);
  const std::string sample = text(from, "sample");
  if (sample.empty()) return step;
  if (sample.find('/') != std::string::npos) throw std::invalid_argument("a sample is a plain file name");
  std::ifstream in(samples_ / sample, std::ios::binary);
  if (!in) throw std::invalid_argument("can't read " + (samples_ / sample).string());
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (sample.ends_with(".sse")) {
    step.body_text = bytes;
    step.headers = {{"Content-Type", "text/event-stream; charset=utf-8"}};
  } else {
    read_answer(step, json::parse(bytes).as_object());
  }
  return step;
}

void Scenario::set(const json::array& steps) {
  std::vector<Step> made;
  for (const json::value& one : steps) made.push_back(read(one.as_object()));
  steps_ = std::move(made);
  used_.clear();
}

const Step* Scenario::take(const json::object& request) {
  if (steps_.empty()) return nullptr;
  const Turn turn = turn_of(request);
  const std::string conversation = conversation_of(request);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    const bool fits = turn.newest.find(step.match) != std::string::npos &&
                      (step.model.empty() || step.model == text(request, "model")) &&
                      (step.conversation.empty() || step.conversation == conversation) &&
                      (!step.round || *step.round == turn.rounds);
    if (!fits) continue;
    std::uint64_t& used = used_[{i, conversation}];
    if (step.times != 0 && used >= step.times) continue;
    ++used;
    return &step;
  }
  return nullptr;
}

}  // namespace mx::sandbox::openai
