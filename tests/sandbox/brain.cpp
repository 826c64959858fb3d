// Puts what was understood into calls or into words.
#include "tests/sandbox/brain.hpp"

#include <algorithm>

#include "tests/sandbox/brain_plan.hpp"
#include "tests/sandbox/brain_text.hpp"

namespace mx::sandbox::brain {
namespace json = boost::json;
namespace {

struct Words {
  std::string_view tool;
  std::string_view ok_french, ok_english, error_french, error_english;
};

constexpr Words words_of_tools[] = {
    {"create_lead", "votre demande est bien enregistrée.", "your request is registered.",
     "je n'ai pas pu enregistrer votre demande tout de suite ; un collègue s'en occupe.",
     "I could not register your request right away; a colleague will take care of it."},
    {"update_lead", "votre dossier est mis à jour.", "your file is up to date.",
     "je n'ai pas pu mettre à jour votre dossier tout de suite ; un collègue s'en occupe.",
     "I could not update your file right away; a colleague will take care of it."},
    {"schedule_follow_up", "votre rendez-vous est planifié.", "your follow-up is planned.",
     "je n'ai pas pu planifier le rappel tout de suite ; un collègue vous confirmera.",
     "I could not plan the call back right away; a colleague will confirm it."},
    {"add_note", "c'est noté.", "I have noted it.", "je n'ai pas pu ajouter la note tout de suite.",
     "I could not add the note right away."},
    {"remember_fact", "je m'en souviendrai.", "I will remember it.", "je n'ai pas pu le retenir.",
     "I could not keep that in mind."},
    {"hand_over_to_human", "un collègue va vous répondre.", "a colleague will answer you.",
     "je n'ai pas pu joindre un collègue tout de suite.", "I could not reach a colleague right away."},
    {"find_leads", "j'ai trouvé votre dossier.", "I found your file.",
     "je n'ai pas pu chercher votre dossier.", "I could not look up your file."},
    {"recall_facts", "je me souviens.", "I remember.", "je ne m'en souviens pas.", "I do not remember."}};

std::string sentence_of(const Result& result, bool french) {
  const bool empty_search = result.tool == "find_leads" && result.content.contains("leads") &&
                            result.content.at("leads").is_array() &&
                            result.content.at("leads").get_array().empty();
  if (result.ok && empty_search) return french ? "je n'ai trouvé aucun dossier." : "I found no file.";
  for (const Words& words : words_of_tools) {
    if (words.tool != result.tool) continue;
    if (result.ok) return std::string(french ? words.ok_french : words.ok_english);
    return std::string(french ? words.error_french : words.error_english);
  }
  return french ? "cette action n'est pas possible." : "that is not possible.";
}

std::string with_capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string after_calls(const Conversation& c) {
  std::string text;
  for (const Result& result : c.results) {
    const std::string sentence = sentence_of(result, c.french);
    text += (text.empty() ? "" : " ") +
            (text.empty() && c.known.name_known() ? sentence : with_capital(sentence));
  }
  if (c.known.name_known()) text = (c.french ? "Merci " : "Thank you ") + c.known.first_name + ", " + text;
  return text;
}

std::string question(const Conversation& c) {
  const Facts& known = c.known;
  if (!known.name_known() && known.need.empty()) {
    return c.french ? "Quel est votre nom, et que recherchez-vous ?"
                    : "What is your name, and what do you need?";
  }
  if (!known.name_known()) return c.french ? "Quel est votre nom ?" : "What is your name?";
  if (known.need.empty()) return c.french ? "Quel est votre besoin ?" : "What do you need?";
  if (known.email.empty())
    return c.french ? "Quelle est votre adresse e-mail ?" : "What is your e-mail address?";
  return c.french ? "Puis-je faire autre chose pour vous ?" : "Is there anything else I can do for you?";
}

std::string what_is_known(const Conversation& c) {
  const Facts& known = c.known;
  std::string text;
  if (!known.need.empty()) text += (c.french ? " Votre besoin : " : " You need: ") + known.need + ".";
  if (!known.email.empty()) text += (c.french ? " Votre e-mail : " : " Your e-mail: ") + known.email + ".";
  return text;
}

std::string without_calls(const Conversation& c) {
  const std::string text = fold(c.burst).text;
  const Facts& known = c.known;
  const bool asks_who =
      has_phrase(text, {"my name", "who am i", "mon nom", "comment je m'appelle", "qui suis-je"}) &&
      text.find('?') != std::string::npos;
  if (asks_who && known.name_known()) {
    return (c.french ? "Vous êtes " : "You are ") + known.full_name() + "." + what_is_known(c);
  }
  const bool greeting = has_phrase(text, {"bonjour", "bonsoir", "salut", "hello", "hi", "hey"});
  std::string answer = greeting ? (c.french ? "Bonjour" : "Hello") : (c.french ? "Merci" : "Thank you");
  if (known.name_known()) answer += " " + known.first_name;
  answer += greeting && c.french ? " !" : greeting ? "!" : ".";
  return answer + what_is_known(c) + " " + question(c);
}

}  // namespace

Thought think(const json::object& request) {
  const Conversation conversation = read(request.at("messages").as_array());
  const json::value* tools = request.if_contains("tools");
  const json::value* choice = request.if_contains("tool_choice");
  const json::value* parallel = request.if_contains("parallel_tool_calls");
  Thought thought;
  if (tools && tools->is_array() && !(choice && *choice == "none")) {
    thought.calls = plan(conversation, tools->get_array());
    if (parallel && *parallel == false && thought.calls.size() > 1) thought.calls.resize(1);
  }
  if (!thought.calls.empty()) return thought;
  const std::string numbers = numbers_in(conversation.burst);
  thought.text = conversation.results.empty() ? without_calls(conversation) : after_calls(conversation);
  if (!numbers.empty()) thought.text = numbers + " " + thought.text;
  return thought;
}

}  // namespace mx::sandbox::brain
