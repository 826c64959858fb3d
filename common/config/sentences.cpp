// The standard sentences; a tenant may replace each in the tenants file.
#include "common/config/sentences.hpp"

#include "common/config/embedded.hpp"

namespace mx::config {

Sentences sentences_in(std::string_view language) {
  if (language == "fr") {
    return {
        .holding =
            "Merci pour votre message. Je rencontre un souci technique et je vous réponds dès que possible.",
        .deadline =
            "C'est bien noté. L'enregistrement prend un peu plus de temps que prévu, mais il sera fait.",
        .limit =
            "Merci pour vos messages. Je ne peux pas en traiter davantage pour le moment ; je vous invite à "
            "réessayer un peu plus tard.",
        .late =
            "Désolé pour l'attente : votre message nous est parvenu avec du retard. Est-ce toujours "
            "d'actualité ?",
        .stopped = "C'est noté, je ne vous écrirai plus. Envoyez START pour reprendre la conversation.",
        .started = "Ravi de vous retrouver ! Comment puis-je vous aider ?",
        .unreadable =
            "Je ne peux pas encore lire ce type de message. Pouvez-vous me l'écrire en quelques mots ?",
        .handed_over = "Je transmets votre demande à un collègue, qui vous répondra ici même.",
        .neutral =
            "Merci pour votre message. Je n'ai pas pu y répondre correctement ; pouvez-vous le reformuler ?",
    };
  }
  return {
      .holding = "Thank you for your message. I have a technical problem and will answer as soon as I can.",
      .deadline = "I have noted this. Saving it takes a little longer than expected, but it will be done.",
      .limit =
          "Thank you for your messages. I can't handle more of them right now; please try again a little "
          "later.",
      .late = "Sorry for the wait: your message reached us late. Is it still relevant?",
      .stopped = "Understood, I will not write to you again. Send START to take up the conversation.",
      .started = "Good to have you back! How can I help?",
      .unreadable = "I can't read this kind of message yet. Could you tell me in a few words?",
      .handed_over = "I am passing your request to a colleague, who will answer you here.",
      .neutral =
          "Thank you for your message. I could not answer it properly; could you put it in other words?",
  };
}

std::string_view example_prompt(std::string_view language) {
  return language == "fr" ? example_prompt_fr : example_prompt_en;
}

}  // namespace mx::config
