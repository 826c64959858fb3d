#include "services/maxctl/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <stdexcept>

#include "services/maxctl/chat_verb.hpp"
#include "services/maxctl/dead_verb.hpp"
#include "services/maxctl/doctor_verb.hpp"
#include "services/maxctl/pause_verb.hpp"
#include "services/maxctl/tail_verb.hpp"
#include "services/maxctl/topology_verb.hpp"
#include "services/maxctl/verb.hpp"

namespace mx::maxctl {
namespace {

constexpr std::string_view exit_codes =
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 a check found something, 4 bad settings, 5 broker or service\n"
    "unavailable, 6 refused for safety, 130 interrupted.\n";

std::string call_of(const Verb& verb) {
  std::string text{verb.name};
  if (!verb.positional.empty()) text += fmt::format(" {}", verb.positional);
  return text;
}

std::string name_of(const Option& option) {
  return option.value.empty() ? std::string{option.name} : fmt::format("{} {}", option.name, option.value);
}

void help(std::ostream& out) {
  out << "maxctl " MAX_VERSION ": the operator's tool\n\nUsage: maxctl VERB [OPTIONS]\n\n";
  for (const auto& verb : verbs()) out << fmt::format("  {:<24}{}\n", call_of(verb), verb.does);
  out << "\n  --check-config          check every setting that maxctl reads, and exit\n"
         "  --help, --version       maxctl VERB --help tells more of one\n\n"
         "Settings come from the environment: docs/configuration.md.\n"
      << exit_codes;
}

void help(const Verb& verb, std::ostream& out) {
  out << fmt::format("maxctl {}: {}\n\nUsage: maxctl {}{}\n\n", verb.name, verb.does, call_of(verb),
                     verb.options.empty() ? "" : " [OPTIONS]");
  for (const auto& option : verb.options) out << fmt::format("  {:<22}{}\n", name_of(option), option.does);
  if (!verb.options.empty()) out << "\n";
  if (!verb.more.empty()) out << verb.more << "\n\n";
  out << exit_codes;
}

/// Takes the verb's one or two words from the front.
const Verb* find(std::vector<std::string>& words) {
  for (const std::size_t n : {2U, 1U}) {
    if (words.size() < n) continue;
    const auto name = n == 2 ? words[0] + " " + words[1] : words[0];
    const auto at = std::ranges::find(verbs(), name, &Verb::name);
    if (at == verbs().end()) continue;
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(n));
    return &*at;
  }
  return nullptr;
}

int check_config(const config::Environment& environment) {
  const auto loaded = config::load(config::Process::maxctl, environment);
  std::cout << config::report(config::Process::maxctl, loaded);
  return loaded.ok() ? ok : bad_settings;
}

int run_verb(const Verb& verb, std::vector<std::string> words, const config::Environment& environment) {
  if (std::ranges::find(words, "--help") != words.end()) {
    help(verb, std::cout);
    return ok;
  }
  auto arguments = read_arguments(words, verb.options, verb.positional);
  if (!arguments) {
    std::cerr << fmt::format("maxctl {}: {}; maxctl {} --help tells more\n", verb.name, arguments.error(),
                             verb.name);
    return usage;
  }
  const auto loaded = config::load(config::Process::maxctl, environment);
  if (!loaded.ok() && !verb.any_settings) {
    std::cerr << config::report(config::Process::maxctl, loaded);
    return bad_settings;
  }
  return verb.run(Call{loaded, environment, *std::move(arguments)});
}

const Option as_json{"--json", "", "one line of JSON instead of text"};
const Option one_tenant{"--tenant", "T", "needed where the installation has several"};
const Option every_tenant{"--all-tenants", "", "each tenant of the installation"};
const Option one_stage{"--stage", "S", "llm-worker, crm-writer, reply-sender or all (as without it)"};

}  // namespace

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all{
      {"doctor",
       "",
       "check settings, broker and the outside services",
       {as_json},
       "Changes nothing and sends no message. Each line is ok, warn or fail; what is not ok names the "
       "setting\n"
       "or the command that helps. Exit 3 when something fails.",
       doctor,
       true},
      {"tail",
       "",
       "follow what the pipeline decides and does",
       {{"--tenant", "T", "this tenant alone"},
        {"--chat", "C", "phone number, chat id, or the 12 digits shown instead"},
        {"--stage", "S",
         "written by this process: webhook-ingress, llm-worker, crm-writer, reply-sender, maxctl"},
        {"--since", "TIME", "begin 90s, 10m, 2h or 3d ago; without it: now"},
        {"--text", "", "message texts, arguments and results too"},
        {"--show-chats", "", "chat ids (phone numbers) instead of their hashes"},
        {"--json", "", "one JSON object a line, with every sign of life"}},
       "Ends with Ctrl-C.",
       tail},
      {"dead list",
       "",
       "what was given up, grouped by cause",
       {{"--tenant", "T", "this tenant alone"},
        {"--process", "P", "llm-worker, crm-writer, reply-sender or memory-logger"},
        {"--reason", "R", "this reason alone"},
        {"--since", "TIME", "given up in the last 10m, 2h, 3d"},
        as_json},
       "Looking changes nothing: all letters stay where they are.",
       dead_list},
      {"dead show",
       "ID",
       "all of one dead letter",
       {{"--text", "", "message texts and what tells of people too"}, as_json},
       "ID: as `dead list` shows it, the id of the message given up, or a beginning of 8 characters or more.",
       dead_show},
      {"chat mute",
       "CHAT",
       "the bot is silent in this chat",
       {{"--for", "TIME", "45m, 2h, 3d; without it as MAX_MUTE_SECONDS says"},
        {"--forever", "", "until `chat resume`"},
        one_tenant},
       "CHAT: +33612345678, 33612345678@c.us, or a group's id. What is on its way is held back too.",
       chat_mute},
      {"chat resume", "CHAT", "end every mute of this chat", {one_tenant}, "", chat_resume},
      {"pause",
       "",
       "webhooks are accepted and kept, and the stage waits",
       {one_tenant, every_tenant, one_stage, {"--why", "TEXT", "needed; `maxctl tail` shows it"}},
       "Nothing is lost: messages wait in their order until `maxctl resume`.",
       pause},
      {"resume",
       "",
       "end a pause",
       {one_tenant, every_tenant, one_stage, {"--why", "TEXT", "for those who read `maxctl tail`"}},
       "Without --stage every pause of the tenant ends; with it that stage's alone.",
       resume},
      {"topology apply",
       "",
       "make exchanges, queues, users and rights",
       {as_json},
       "Needs MAX_BROKER_ADMIN_URL, and MAX_BROKER_PASSWORD_<USER> of users that are not there yet. Stops "
       "(6) when a\n"
       "queue would keep other arguments than it should have.",
       topology_apply},
      {"topology check",
       "",
       "compare them with what the broker has",
       {as_json},
       "Exit 3 when something differs.",
       topology_check},
      {"topology definitions",
       "",
       "print them as a file for load_definitions",
       {},
       "Holds salted hashes of the passwords, the administrator's included.",
       topology_definitions},
  };
  return all;
}

int run(int argc, char** argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (words.empty() || words[0] == "--help" || words[0] == "help") {
    help(words.empty() ? std::cerr : std::cout);
    return words.empty() ? usage : ok;
  }
  if (words[0] == "--version") {
    std::cout << "maxctl " MAX_VERSION "\n";
    return ok;
  }
  try {
    const auto environment = config::process_environment();
    if (words[0] == "--check-config") return check_config(environment);
    const auto* verb = find(words);
    if (!verb) {
      std::cerr << "maxctl: no such verb; maxctl --help lists them\n";
      return usage;
    }
    return run_verb(*verb, std::move(words), environment);
  } catch (const std::invalid_argument& e) {
    std::cerr << "error: " << e.what() << "\n";
    return bad_settings;
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << "\n";
    return failure;
  }
}

}  // namespace mx::maxctl
