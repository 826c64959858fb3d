"""1,000 webhooks over 100 chats: each number covered by exactly one answer, ascending; and a slow CRM delays its chat alone.

Prints rates and memory; asserts none of them.
"""
import concurrent.futures
import statistics
import time
import unittest

from whole import World, covered_once_ascending, wait_for

CHATS, EACH, TWICE = 100, 10, 20


def resident_mb(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def webhook(installation, chat, number):
    return {"typeWebhook": "incomingMessageReceived", "timestamp": int(time.time()),
            "instanceData": {"idInstance": int(installation.instance), "wid": "12025550110@c.us", "typeInstance": "whatsapp"},
            "idMessage": f"3A{chat.split('@')[0]}{number:04d}",
            "senderData": {"chatId": chat, "sender": chat, "senderName": "Load", "chatName": "Load"},
            "messageData": {"typeMessage": "textMessage", "textMessageData": {"textMessage": f"Bonjour [{number}]"}}}


class Load(unittest.TestCase):
    def test_a_thousand_webhooks_over_a_hundred_chats(self):
        limits = {"MAX_MESSAGES_PER_HOUR": "100000"}
        with World(settings={"all": {}, "llm-worker": limits}, partitions=8, time_factor=0.001,
                   sandbox={"green-api": {}}) as installation:
            installation.control("/green-api/rate-limits", {"on": False})
            chats = [installation.new_chat() for _ in range(CHATS)]
            posted = {}

            def post(number):
                def one(chat):
                    posted[chat, number] = time.time()
                    return installation.post_webhook(webhook(installation, chat, number))[0]
                return one
            began = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                for number in range(1, EACH + 1):
                    self.assertEqual(set(pool.map(post(number), chats)), {200})
                repeats = list(pool.map(post(EACH), chats[:TWICE]))
            self.assertEqual(set(repeats), {200})
            took = time.monotonic() - began
            for chat in chats:
                wait_for(f"all of {chat}", lambda c=chat: sum(a.count("[") for a in installation.answers(c)) >= EACH, 240)
            whole = time.monotonic() - began
            for chat in chats:
                covered_once_ascending(self, installation, chat, EACH)
            queued = {}
            for entry in installation.journal("green-api"):
                if entry.get("kind") == "queued":
                    for number in [int(n) for n in __import__("re").findall(r"\[(\d+)\]", entry.get("text", ""))]:
                        queued[entry["chat"], number] = entry["at"] / 1000
            waits = sorted(queued[key] - posted[key] for key in posted if key in queued and key[1] != EACH)
            print(f"webhooks/s {CHATS * EACH / took:.0f}; all answered after {whole:.1f} s; webhook to sendMessage median "
                  f"{statistics.median(waits) * 1000:.0f} ms, p99 {waits[int(len(waits) * .99)] * 1000:.0f} ms; resident MB " +
                  ", ".join(f"{name} {resident_mb(installation.processes[name].pid):.0f}" for name in installation.admin_ports), flush=True)

    def test_a_chat_behind_a_slow_crm_delays_no_other_chat(self):
        with World(settings={"llm-worker": {"MAX_MESSAGES_PER_HOUR": "100000"}}, partitions=1) as installation:
            slow, others = installation.new_chat(), [installation.new_chat() for _ in range(5)]
            installation.switch("espocrm", "delay", {"method": "POST", "path": "Lead", "body": "Lente"}, ms=15_000)
            installation.say(slow, "Je m'appelle Anne Lente, je cherche un site [1]")
            wait_for("the slow call is under way", lambda: any("create_lead" in e.get("answer", "") for e in installation.journal("openai")), 30)
            for number in range(2, 62):
                installation.say(slow, f"et encore [{number}]")
            began = time.monotonic()
            for chat in others:
                installation.say(chat, "Je m'appelle Luc Vite, je cherche un logo [1]")
            for chat in others:
                installation.wait_answers(chat, 1, 60)
                wait_for("its lead", lambda c=chat: installation.leads(c), 60)
            self.assertEqual(installation.answers(slow), [], f"the others were answered first ({time.monotonic() - began:.1f} s)")


if __name__ == "__main__":
    unittest.main()
