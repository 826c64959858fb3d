// A stage without its type, so that the runtime is compiled once.
#pragma once

#include <memory>
#include <type_traits>

#include "common/runtime/stage.hpp"

namespace mx::runtime {

/// A delivery that was decoded: kept until it is acknowledged.
struct Item {
  proto::Envelope envelope;
  std::shared_ptr<const void> data;  ///< the stage's Input; null when `bad` is set
  std::optional<Why> bad{};          ///< why it can't be handled
  std::string raw;                   ///< the bytes as they came, kept for `bad` ones only
  std::string exchange, routing_key;
  std::uint64_t tag = 0;
  bool redelivered = false;
  std::int64_t delays = 0;  ///< how often it went through a delay queue
  std::size_t bytes = 0;
};
using ItemPtr = std::shared_ptr<const Item>;

namespace detail {

template <class T>
struct Reader {
  static proto::Decoded<std::shared_ptr<const T>> read(const proto::Envelope& e) {
    if (e.type != proto::type_of<T>()) return proto::DecodeError{"/type", std::string{proto::type_of<T>()}};
    auto data = proto::decode<T>(e.data);
    if (!data) return proto::DecodeError{"/data" + data.error().path, data.error().expected};
    return std::make_shared<const T>(std::move(*data));
  }
};

template <class... Ts>
struct Reader<std::variant<Ts...>> {
  using Input = std::variant<Ts...>;
  static proto::Decoded<std::shared_ptr<const Input>> read(const proto::Envelope& e) {
    proto::Decoded<std::shared_ptr<const Input>> result = proto::DecodeError{"/type", "a type of this queue"};
    (try_one<Ts>(e, result) || ...);
    return result;
  }

 private:
  template <class T>
  static bool try_one(const proto::Envelope& e, proto::Decoded<std::shared_ptr<const Input>>& result) {
    if (e.type != proto::type_of<T>()) return false;
    auto data = proto::decode<T>(e.data);
    if (data)
      result = std::make_shared<const Input>(std::move(*data));
    else
      result = proto::DecodeError{"/data" + data.error().path, data.error().expected};
    return true;
  }
};

}  // namespace detail

class AnyStage {
 public:
  virtual ~AnyStage() = default;
  virtual std::string_view name() const = 0;
  virtual LanePolicy lane() const = 0;
  virtual proto::Decoded<std::shared_ptr<const void>> decode(const proto::Envelope& envelope) const = 0;
  virtual boost::asio::awaitable<Handled> handle(std::vector<ItemPtr> batch, Context& context) = 0;
  virtual std::vector<Write> given_up(const Item& item, const Why& why, Context& context) = 0;
};

template <Stage S>
class StageOf final : public AnyStage {
  using Input = typename S::Input;

 public:
  template <class... Arguments>
  explicit StageOf(Arguments&&... arguments) : stage_{std::forward<Arguments>(arguments)...} {}
  std::string_view name() const override { return S::name; }
  LanePolicy lane() const override { return stage_.lane(); }
  proto::Decoded<std::shared_ptr<const void>> decode(const proto::Envelope& envelope) const override {
    auto data = detail::Reader<Input>::read(envelope);
    if (!data) return data.error();
    return std::shared_ptr<const void>{std::move(*data)};
  }
  boost::asio::awaitable<Handled> handle(std::vector<ItemPtr> batch, Context& context) override {
    std::vector<Message<Input>> messages;
    messages.reserve(batch.size());
    for (const auto& item : batch) messages.push_back(message(*item));
    const std::span<const Message<Input>> all = messages;
    co_return co_await stage_.handle(all, context);
  }
  std::vector<Write> given_up(const Item& item, const Why& why, Context& context) override {
    if (!item.data) return {};
    return stage_.given_up(message(item), why, context);
  }
  S& stage() { return stage_; }

 private:
  static Message<Input> message(const Item& item) { return {item.envelope, *static_cast<const Input*>(item.data.get())}; }
  S stage_;
};

}  // namespace mx::runtime
