// The field list of every struct and the words of every enum, as Boost.Describe data: the one source from
// which reading, writing and the schema tests work. Included by proto's own sources and tests only.
#pragma once

#include <boost/describe.hpp>

#include "proto/facts.hpp"
#include "proto/messages.hpp"

namespace mx::proto {

/// An envelope as it stands in the JSON; `Envelope` leaves out what is the same in all.
struct EnvelopeWire {
  string specversion, id, source, type, subject;
  TimePoint time{};
  string datacontenttype, traceparent;
  optional<string> causationid{}, turnid{};
  Json data{};
};
BOOST_DESCRIBE_STRUCT(EnvelopeWire, (),
                      (specversion, id, source, type, subject, time, datacontenttype, traceparent,
                       causationid, turnid, data))

BOOST_DESCRIBE_ENUM(ChatKind, person, lid, group)
BOOST_DESCRIBE_ENUM(MessageKind, text, image, video, audio, document, sticker, location, contact, poll,
                    poll_vote, choice, invite, edit, deletion, unreadable, other)
BOOST_DESCRIBE_ENUM(Origin, webhook, poll, backfill)
BOOST_DESCRIBE_ENUM(DeliveryStatus, sent, delivered, read, failed, no_account, not_in_group, yellow_card,
                    other)
BOOST_DESCRIBE_ENUM(InstanceStateWord, authorized, not_authorized, blocked, starting, yellow_card, sleep,
                    suspended, quota_exceeded, other)
BOOST_DESCRIBE_ENUM(QuarantineReason, malformed, not_utf8, unknown_type, foreign_instance, too_large,
                    missing_field)
BOOST_DESCRIBE_ENUM(ResultStatus, ok, error, given_up)
BOOST_DESCRIBE_ENUM(CommandStatus, done, given_up)
BOOST_DESCRIBE_ENUM(Purpose, answer, holding, deadline, limit, late, stop, unreadable)
BOOST_DESCRIBE_ENUM(ReplyStatus, sent, suppressed, given_up)
BOOST_DESCRIBE_ENUM(Proof, answer, echo, queue, journal)
BOOST_DESCRIBE_ENUM(How, answered, handed_over, suppressed, dead)
BOOST_DESCRIBE_ENUM(ContextKind, full, partial)
BOOST_DESCRIBE_ENUM(SessionStatus, open, handoff, closed)
BOOST_DESCRIBE_ENUM(HandoverBy, model, limit, failure)
BOOST_DESCRIBE_ENUM(Urgency, low, normal, high)
BOOST_DESCRIBE_ENUM(DeadClass, poison, transient, credential, ambiguous, crash)
BOOST_DESCRIBE_ENUM(DecisionSource, model, rule)
BOOST_DESCRIBE_ENUM(Rule, deadline, limit, late, stop, unreadable, muted, holding)
BOOST_DESCRIBE_ENUM(DecisionKind, calls, reply, suppress)
BOOST_DESCRIBE_ENUM(Effect, create, update, note, task, call, meeting, send, find, none)
BOOST_DESCRIBE_ENUM(EffectStatus, ok, error, given_up, suppressed)
BOOST_DESCRIBE_ENUM(ReplicaState, up, leaving)

// ---- messages
BOOST_DESCRIBE_STRUCT(Media, (), (url, mime, file_name))
BOOST_DESCRIBE_STRUCT(Location, (), (latitude, longitude, name, address))
BOOST_DESCRIBE_STRUCT(SharedContact, (), (name, phones))
BOOST_DESCRIBE_STRUCT(Quoted, (), (provider_id, text))
BOOST_DESCRIBE_STRUCT(MessageReceived, (),
                      (instance, provider_id, chat_kind, sender, phone, name, kind, text, media, location,
                       contacts, options, quoted, refers_to, forwarded, truncated, sent_at, received_at,
                       refused_ms, origin))
BOOST_DESCRIBE_STRUCT(MessageEcho, (), (instance, provider_id, text, sent_at, received_at))
BOOST_DESCRIBE_STRUCT(MessageStatus, (),
                      (instance, provider_id, status, raw, description, by_api, at, received_at))
BOOST_DESCRIBE_STRUCT(InstanceState, (), (instance, state, raw, may_send, at, received_at))
BOOST_DESCRIBE_STRUCT(WebhookQuarantined, (), (reason, detail, type_webhook, size, sha256, body, received_at))
BOOST_DESCRIBE_STRUCT(Contact, (), (phone, name, chat_kind))
BOOST_DESCRIBE_STRUCT(LeadRef, (), (id, ref))
BOOST_DESCRIBE_STRUCT(ToolCall, (), (k, key, call_id, tool, arguments))
BOOST_DESCRIBE_STRUCT(CrmCommand, (), (step, reply_word, contact, lead, refs, calls, deadline))
BOOST_DESCRIBE_STRUCT(Record, (), (type, id))
BOOST_DESCRIBE_STRUCT(ToolError, (), (code, message, retryable))
BOOST_DESCRIBE_STRUCT(ToolResult, (),
                      (k, key, call_id, tool, status, content, record, changed, error, from_fact))
BOOST_DESCRIBE_STRUCT(CrmResult, (), (step, status, results, lead, took_ms))
BOOST_DESCRIBE_STRUCT(ReplyRequested, (), (purpose, part, parts, text, decided_at, covers))
BOOST_DESCRIBE_STRUCT(ReplySent, (),
                      (reply, part, parts, status, reason, provider_id, proof, attempts, took_ms, at))
BOOST_DESCRIBE_STRUCT(TurnMessage, (), (id, provider_id, kind, text, sent_at))
BOOST_DESCRIBE_STRUCT(TurnReply, (), (id, purpose, text))
BOOST_DESCRIBE_STRUCT(StepCall, (), (k, tool, arguments, status, code))
BOOST_DESCRIBE_STRUCT(Tokens, (), (input, cached, output))
BOOST_DESCRIBE_STRUCT(TurnStep, (), (step, model, finish, calls, tokens, took_ms))
BOOST_DESCRIBE_STRUCT(RememberedFact, (), (category, key, value, expires_on))
BOOST_DESCRIBE_STRUCT(Session, (), (status, lead_id, last_message_at, state))
BOOST_DESCRIBE_STRUCT(TurnCompleted, (),
                      (how, reason, messages, contact, replies, steps, context, prompt_hash, tools_hash,
                       facts, session, opened_at, closed_at))
BOOST_DESCRIBE_STRUCT(HandoverContact, (), (phone, name, chat_kind, lead_id))
BOOST_DESCRIBE_STRUCT(HandoverRequested, (), (by, reason, urgency, summary, contact, until))
BOOST_DESCRIBE_STRUCT(DeadLetter, (),
                      (process, queue, reason, class_, detail, attempts, first_at, last_at, fingerprint,
                       version, prompt_hash, exchange, routing_key, redriven, original, original_base64))

// ---- facts
BOOST_DESCRIBE_STRUCT(FactHead, (), (v, fact, at, by, tenant, chat, queue, epoch))
BOOST_DESCRIBE_STRUCT(AcceptedMessage, (), (id, chat, sent_at))
BOOST_DESCRIBE_STRUCT(AcceptedFact, (), (messages))
BOOST_DESCRIBE_STRUCT(DecidedCall, (), (k, key, call_id, tool, arguments))
BOOST_DESCRIBE_STRUCT(LocalResult, (), (k, content))
BOOST_DESCRIBE_STRUCT(DecidedFact, (),
                      (turn, step, messages, source, rule, kind, text, calls, local, deadline, model, finish,
                       tokens, prompt_hash, tools_hash, context, traceparent))
BOOST_DESCRIBE_STRUCT(AttemptedFact, (), (key, request_id, effect, turn, n))
BOOST_DESCRIBE_STRUCT(DoneFact, (), (key, effect, turn, status, step, k, content, lead_id, ref, provider_id))
BOOST_DESCRIBE_STRUCT(ClosedFact, (), (turn, how, reason, messages))
BOOST_DESCRIBE_STRUCT(MutedFact, (), (since, until, why, provider_id))
BOOST_DESCRIBE_STRUCT(ResumedFact, (), (why))
BOOST_DESCRIBE_STRUCT(PausedFact, (), (stage, on, who, why))
BOOST_DESCRIBE_STRUCT(InstanceFact, (), (instance, state, may_send))
BOOST_DESCRIBE_STRUCT(ReplicaFact, (), (process, replica, state, version))
BOOST_DESCRIBE_STRUCT(MarkerFact, (), (queue, replica, nonce))
BOOST_DESCRIBE_STRUCT(RedrivenFact, (), (message, process, turn, n, who, why, patch_hash))
BOOST_DESCRIBE_STRUCT(StandingMute, (), (chat, since, until, why))
BOOST_DESCRIBE_STRUCT(StandingPause, (), (stage))
BOOST_DESCRIBE_STRUCT(StandingContact, (), (chat, hour, messages, writes))
BOOST_DESCRIBE_STRUCT(StandingFact, (),
                      (part, parts, mutes, paused, instance, may_send, day, tokens, contacts))

/// The name in the JSON: `class_` stands for "class", which C++ keeps to itself.
constexpr std::string_view json_name(std::string_view member) {
  return member.ends_with('_') ? member.substr(0, member.size() - 1) : member;
}

template <class T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public>;

}  // namespace mx::proto
