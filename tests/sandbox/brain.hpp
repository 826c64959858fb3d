// The rule-based sales assistant behind the played model: French and English, knows only what one request
// contains.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

namespace mx::sandbox::brain {

struct ToolCall {
  std::string name;
  boost::json::object arguments;  ///< every key of the tool's schema, in its order
};

/// Either calls or text.
struct Thought {
  std::string text;
  std::vector<ToolCall> calls;
};

/// The next move for a valid Chat Completions request. The same request gives the same thought, except that
/// "tomorrow" needs today: it is read from the instructions (an ISO date and time, as "2026-11-23T18:00"),
/// else from the clock.
///  - Of the whole conversation it takes the customer's name, need, e-mail, company, city, phone, budget.
///  - create_lead once name and (need or e-mail) are known and no lead is: a lead is known from an ok result
///  of
///    create_lead, or from instructions that say "Lead: <anything but none>".
///  - Of the newest messages it takes wishes: changes of a known lead, a call back, a note, a human,
///  something to
///    remember, a search; "three things" makes three calls at once.
///  - Text names what it knows, asks for what is missing, says how the calls of this turn went, and begins
///  with the
///    numbers "[17]" of the messages it answers.
/// Only tools that the request offers are called, each at most once in a turn.
Thought think(const boost::json::object& request);

}  // namespace mx::sandbox::brain
