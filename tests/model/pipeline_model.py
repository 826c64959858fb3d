#!/usr/bin/env python3
"""Randomized model check of the message pipeline (docs/architecture.md).

One run is one seed: a scheduler picks, step by step, any enabled action: a process takes one atomic
step, a frame crosses a connection in either direction, a ledger follower reads on, an outside service
serves a request, or something breaks. Then the failures stop, everything drains, and the invariants
are checked. Every handler is a generator; each `yield` is a point where the process can die or freeze.

Rules of the protocol have names (RULES). All are on by default; `--mutate NAME[,NAME]` switches some
off, `--mutate written` switches off those that the model itself found, `--trace` prints
the schedule of a seed. `--seeds N` runs N seeds from --seed on; the shortest counterexample is shown.
"""
import argparse, bisect, collections, itertools, multiprocessing, random, sys, time

# ---- time, in ticks (one scheduler step is one tick; idle time is skipped) ----
START_WITHIN = 25    # a request starts within this of its `attempted`, or not at all
CLIENT_TIMEOUT = 40  # we stop waiting for an answer
REQ_MAX = 60         # ASSUMPTION: the other side performs a request within this of its start, or never
LOOK_WAIT = 100      # first look-up not before this after the last attempt (> START_WITHIN + REQ_MAX)
LOOK_GAP = 60        # between the two look-ups of a reply
JOURNAL_LAG = 70     # ASSUMPTION: a sent message shows in the journal within this
LINGER, DEADLINE, HEARTBEAT, DRAIN_WITHIN, WEBHOOK_TIMEOUT = 8, 150, 50, 60, 60
PREFETCH, MAX_ATTEMPTS, CALM_STEPS = 4, 5, 30000

RULES = {
    # the first sketch of the protocol
    'fence': 'a marker is written and read back at the first delivery of a subscription',
    'decided-first': '`decided` is in the ledger before any message of the step leaves',
    'readback': '`attempted` is read back, a newer marker ahead of it means stop',
    'lookup': '`attempted` without `done` is looked up before it is tried again',
    'hold': 'messages stay unacknowledged until their turn is closed',
    'channel-close': 'a queue is given up by closing its channel, not by cancel',
    # what the sketch lacked, or had otherwise: found here
    'clock': 'the 2 s before a request starts count from before the publish of `attempted`',
    'crm-wait': 'a CRM look-up that finds nothing counts only after the first attempt must be over',
    'decided-readback': '`decided` is read back as well; the first valid one is used',
    'void': 'a fact that stands behind a newer marker of its queue is void for every reader',
    'epoch': 'markers and facts name the subscription, not the replica',
    'closed-ids': '`closed` lists the ids it covers',
    'joins': 'a message of a decided, still open turn joins it and is not dropped',
    'repeat-held': 'a repeat of a message in hand is acknowledged with its turn, not at once',
    'mute-at-readback': 'mute and closing are checked at the place of the read-back `attempted`',
    'sender-closed': 'reply-sender suppresses what belongs to a turn closed otherwise',
    'done-wins': 'a `done` that says "it happened" is never void and outranks one that says "it did not"',
    'lead-key': '`attempted` carries the unique key used, the look-up uses that',
    'command-first': 'a decided command is published even if the turn closes as handed over',
    'newest-step': 'a successor goes on at the newest decided step, its command first',
    'deadline-decided': 'the sentence of a missed deadline is a `decided` step',
    'mute-since': 'a repeated `muted` older than the last `resumed` is no mute',
}
WRITTEN = ['clock', 'crm-wait', 'decided-readback', 'void', 'epoch', 'closed-ids', 'joins', 'repeat-held',
           'mute-at-readback', 'sender-closed', 'done-wins', 'lead-key', 'command-first', 'newest-step',
           'deadline-decided', 'mute-since']
uids = itertools.count(1)


class Violation(Exception):
    pass


class Rec:
    """A fact or a message: a bag of fields."""
    def __init__(self, kind, **kw):
        self.kind, self.uid = kind, next(uids)
        self.__dict__.update(kw)

    def __repr__(self):
        return self.kind + str({k: v for k, v in self.__dict__.items() if k not in ('kind', 'uid', 'sub') and v is not None})


# ------------------------------------------------------------------ the ledger as one reader knows it
class View:
    def __init__(self, on):
        self.on, self.pos = on, 0
        self.seen, self.marks = {}, {}
        self.decided, self.closed, self.cover = {}, {}, {}
        self.att, self.done, self.since, self.resumed = {}, {}, {}, {}

    def apply(self, f):
        """Every reader derives the same state from the same prefix."""
        self.pos += 1
        void = f.stale and 'void' in self.on
        self.seen.setdefault(f.uid, f.stale)
        if f.kind == 'decided' and not void and f.turn not in self.closed:
            if (f.turn, f.step) not in self.decided:
                self.decided[f.turn, f.step] = f
                if f.step == 0:
                    for i in f.ids:
                        self.cover.setdefault(i, f.turn)
        elif f.kind == 'closed' and not void and f.turn not in self.closed:
            self.closed[f.turn] = f
            d = self.decided.get((f.turn, 0))
            for i in f.ids if 'closed-ids' in self.on else (d.ids if d else [f.turn]):
                self.cover.setdefault(i, f.turn)
        elif f.kind == 'attempted' and not void:
            self.att.setdefault(f.key, []).append(f)
        elif f.kind == 'done':
            if f.res is not None and 'done-wins' in self.on and self.done.get(f.key, f).res is None:
                self.done[f.key] = f                          # it happened: true whoever says it
            elif f.res is not None or not void:
                self.done.setdefault(f.key, f)
        elif f.kind == 'muted':
            at = f.since if 'mute-since' in self.on else f.at
            self.since[f.chat] = max(at, self.since.get(f.chat, -1))
        elif f.kind == 'resumed':
            self.resumed[f.chat] = f.at

    def muted(self, chat):
        return self.since.get(chat, -1) > self.resumed.get(chat, -1)

    def closed_msg(self, i):
        return self.cover.get(i) in self.closed


# ------------------------------------------------------------------ the broker
class Conn:
    """One connection: two FIFO byte streams; either end may be gone without the other knowing."""
    def __init__(self, proc, what):
        self.proc, self.what = proc, what
        self.out, self.inn = collections.deque(), collections.deque()
        self.open_b = self.open_c = True
        self.confirmed, self.seq = set(), 0

    def send(self, *frame):
        if self.open_c:
            self.out.append(frame)


class Sub:
    """A subscription: one channel on one queue; its uid is the epoch that markers name."""
    def __init__(self, conn, q):
        self.conn, self.q, self.id = conn, q, next(uids)
        self.lanes, self.fenced, self.dead, self.draining, self.running = {}, False, False, False, 0
        self.marking = False


class Queue:
    """Quorum queue, single active consumer: the first of `consumers`; returns keep their place."""
    def __init__(self, name):
        self.name, self.ready, self.consumers, self.un, self.n = name, [], [], {}, itertools.count()

    def put(self, msg):
        self.ready.append((next(self.n), msg))

    def give_back(self, s):
        for e in self.un.pop(s, {}).values():
            bisect.insort(self.ready, e, key=lambda x: x[0])

    def remove(self, s):
        if s in self.consumers:
            self.consumers.remove(s)
        self.give_back(s)

    def dispatch(self):
        while self.consumers and self.ready:
            s = self.consumers[0]
            u = self.un.setdefault(s, {})
            if len(u) >= PREFETCH:
                return
            e = self.ready.pop(0)
            tag = next(uids)
            u[tag] = e
            s.conn.inn.append(('dlv', s, tag, e[1]))


class Broker:
    def __init__(self, sim):
        self.sim, self.ledger, self.marks, self.unconfirmed = sim, [], {}, []
        self.queues = {q: Queue(q) for q in ('llm', 'crm', 'reply')}
        self.conns, self.reply_to = [], {}

    def append(self, f, conn=None, seq=None):
        """The ledger's total order decides what is stale: a newer marker of the queue stands before it."""
        sub = getattr(f, 'sub', None)
        g = Rec(f.kind, **{k: v for k, v in f.__dict__.items() if k not in ('kind', 'uid')})
        g.uid, g.pos, g.stale, g.at = f.uid, len(self.ledger), False, self.sim.now
        if sub:
            me = sub.id if 'epoch' in self.sim.on else sub.conn.proc.name
            if f.kind == 'marker':
                self.marks[sub.q] = me
            else:
                g.stale = self.marks.get(sub.q, me) != me
        self.ledger.append(g)
        if conn:
            self.unconfirmed.append((conn, seq))
        self.sim.log('ledger', '#%d %r' % (g.pos, g))

    def flush(self):
        for conn, seq in self.unconfirmed:
            if conn.open_b:
                conn.inn.append(('conf', seq))
        self.unconfirmed = []

    def take(self, conn):
        """One frame from a client."""
        f = conn.out.popleft()
        if f[0] == 'pub':
            _, seq, m = f
            if m.kind in ('message', 'command', 'reply', 'echo'):
                q = self.queues[{'message': 'llm', 'command': 'crm'}.get(m.kind, 'reply')]
                q.put(m)
                self.sim.log('broker', '%s <- %r' % (q.name, m))
                q.dispatch()
            elif m.kind == 'result':   # exclusive queue: gone with its owner; memory.log takes it anyway
                to = self.reply_to.get(m.to)
                if to and to.open_b:
                    to.inn.append(('result', m))
            else:
                self.append(m, conn, seq)
                return
            conn.inn.append(('conf', seq))
        elif f[0] == 'eof':
            self.drop(conn)
        else:
            s = f[1]
            q = self.queues[s.q]
            if f[0] == 'sub':
                q.consumers.append(s)
            elif f[0] == 'ack':
                q.un.get(s, {}).pop(f[2], None)
            elif f[0] == 'close':
                q.remove(s)
            elif f[0] == 'cancel' and s in q.consumers:
                q.consumers.remove(s)
            q.dispatch()

    def drop(self, conn):
        conn.open_b = False
        conn.out.clear()
        conn.inn.append(('eof',))
        for q in self.queues.values():
            for s in list(q.consumers) + list(q.un):
                if s.conn is conn:
                    q.remove(s)
            q.dispatch()
        self.conns.remove(conn)

    def cut(self, conn):
        """The connection fails: a part of what was under way arrived, the rest is lost."""
        for _ in range(self.sim.rng.randint(0, len(conn.out))):
            if conn.open_b:
                self.take(conn)
        if conn.open_b:
            self.drop(conn)


# ------------------------------------------------------------------ the outside world
class World:
    """WhatsApp (no key, journal lags) and the CRM (unique key for leads, none for notes)."""
    def __init__(self, sim):
        self.sim, self.wire, self.sent, self.notes, self.leads = sim, [], [], [], {}
        self.converted, self.crm_up, self.model_up, self.echoes = collections.Counter(), True, True, []

    def start(self, what, **kw):
        r = Rec(what, t0=self.sim.now, resp=None, **kw)
        self.wire.append(r)
        self.sim.log('world', 'request starts: %r' % r)
        return r

    def serve(self, r):
        sim, rng = self.sim, self.sim.rng
        self.wire.remove(r)
        crm = r.kind not in ('send', 'journal')
        if crm and not self.crm_up:
            r.resp = ('refused',)
            return
        fate = rng.random() if sim.failing else 1
        if fate < .06:
            sim.log('world', 'request lost: %r' % r)
            return
        if fate < .10:
            r.resp = ('refused',)
            return
        ans = self.perform(r)
        sim.log('world', 'performed %r%s' % (r, ', answer lost' if fate < .24 else ''))
        if fate >= .24:
            r.resp = ans
        elif fate < .17:
            r.resp = ('500',)

    def perform(self, r):
        now = self.sim.now
        if r.kind == 'send':
            m = Rec('sent', chat=r.chat, text=r.text, idm=next(uids), t=now, key=r.key,
                    shows=now + self.sim.rng.randint(0, JOURNAL_LAG))
            self.sent.append(m)
            self.echoes.append(m)
            self.sim.check_send(r)
            return ('ok', m.idm)
        if r.kind == 'journal':
            return ('ok', [m for m in self.sent if m.chat == r.chat and m.shows <= now])
        if r.kind == 'note':
            self.notes.append((r.key, r.arg))
            return ('ok', 'note')
        if r.kind == 'find-note':
            return ('ok', any(k == r.key for k, _ in self.notes))
        if r.kind == 'count':
            return ('ok', self.converted[r.chat])
        if r.kind == 'lead':
            if r.ukey in self.leads:
                self.leads[r.ukey].by.add(r.key)          # a lead that exists is updated
                return ('ok', 'updated')
            self.leads[r.ukey] = Rec('lead', chat=r.chat, creator=r.key, by={r.key}, open=True)
            if sum(l.open for l in self.leads.values() if l.chat == r.chat) > 1:
                raise Violation('two open leads in chat ' + r.chat)
            return ('ok', 'created')
        if r.kind == 'find-lead':
            return ('ok', r.ukey in self.leads)


# ------------------------------------------------------------------ a process
class Proc:
    queue = None

    def __init__(self, sim, name):
        self.sim, self.name, self.alive, self.frozen, self.gen = sim, name, False, 0, 0
        self.start()

    def start(self):
        self.alive, self.frozen, self.gen = True, 0, self.gen + 1
        self.view, self.tasks = View(self.sim.on), []
        self.results, self.echoes, self.hooks, self.sub, self.con = {}, [], [], None, None
        self.pub = self.connect('pub')
        if self.queue:
            self.con = self.connect('con')
            self.sim.broker.reply_to[self.name] = self.con
            self.subscribe()

    def connect(self, what):
        c = Conn(self, what)
        self.sim.broker.conns.append(c)
        self.sim.conns.append(c)
        return c

    def crash(self):
        """kill -9: memory gone; what the kernel has of the sockets may still arrive, any time later."""
        self.alive, self.tasks = False, []
        for c in (self.pub, self.con):
            if c and c.open_c:
                for _ in range(self.sim.rng.randint(0, len(c.out))):
                    c.out.pop()
                c.out.append(('eof',))
                c.open_c = False

    def subscribe(self):
        self.sub = Sub(self.con, self.queue)
        self.con.send('sub', self.sub)

    def spawn(self, gen, sub=None):
        self.tasks.append([gen, None, sub])

    def runnable(self):
        return [t for t in self.tasks if t[1] is None or t[1]()]

    def step(self, t):
        try:
            t[1] = next(t[0])
        except StopIteration:
            if t in self.tasks:
                self.tasks.remove(t)

    # -- frames from the broker
    def inbox(self, c):
        f = c.inn.popleft()
        if f[0] == 'conf':
            c.confirmed.add(f[1])
        elif f[0] == 'eof':
            c.open_c = False
            if c is self.con:                                # old handlers go on until something stops them
                self.sub.dead = True
                self.con = self.connect('con')
                self.sim.broker.reply_to[self.name] = self.con
                self.subscribe()
        elif f[0] == 'result':
            self.results[f[1].turn, f[1].step] = f[1]
        elif f[0] == 'dlv':
            _, s, tag, m = f
            if m.kind == 'echo':
                self.echoes.append(m)
                s.conn.send('ack', s, tag)
            elif not s.dead:
                self.deliver(s, tag, m)

    def deliver(self, s, tag, m):
        if not s.marking:
            s.marking = True
            if 'fence' in self.sim.on:
                self.spawn(self.mark(s), s)
            else:
                s.fenced = True
        lane = s.lanes.get(m.chat)
        if lane is None:
            lane = s.lanes[m.chat] = []
            self.spawn(self.lane(s, m.chat, lane), s)
        if self.queue == 'llm':
            in_hand = any(d[1].id == m.id for d in lane)
            known = m.id in self.view.cover and not self.view.closed_msg(m.id)
            if (in_hand and 'repeat-held' not in self.sim.on) or (known and 'joins' not in self.sim.on):
                self.sim.log(self.name, 'drops repeat ' + m.id)
                s.conn.send('ack', s, tag)
                return
        lane.append((tag, m))

    def mark(self, s):
        f = Rec('marker', sub=s, q=s.q, who=self.name)
        yield from self.publish(f)
        yield lambda: f.uid in self.view.seen
        s.fenced = True
        self.sim.log(self.name, 'fenced on %s, epoch %d' % (s.q, s.id))

    # -- publishing: at least once, over reconnects
    def publish(self, *msgs):
        left = list(msgs)
        while left:
            if not self.pub.open_c:
                self.pub = self.connect('pub')
            c, seqs = self.pub, {}
            for m in left:
                c.seq += 1
                seqs[c.seq] = m
                c.send('pub', c.seq, m)
            yield lambda: not c.open_c or c.confirmed.issuperset(seqs)
            left = [m for n, m in seqs.items() if n not in c.confirmed]

    def write(self, f):
        """Publish a fact, read it back; true if no newer marker stands before it."""
        yield from self.publish(f)
        yield lambda: f.uid in self.view.seen
        return not self.view.seen[f.uid]

    # -- giving up a queue
    def give_up(self, s, kill=True):
        self.sim.log(self.name, 'gives up %s, epoch %d' % (s.q, s.id))
        s.dead = True
        if kill:
            self.tasks = [t for t in self.tasks if t[2] is not s]
        s.conn.send('close', s)
        if s is self.sub:
            self.subscribe()

    def drain(self, s):
        s.draining, until = True, self.sim.now + DRAIN_WITHIN
        if 'channel-close' not in self.sim.on:
            s.conn.send('cancel', s)
        yield lambda: s.running == 0 or self.sim.now >= until or s.dead
        if not s.dead:
            self.give_up(s, kill=self.sim.rng.random() < .5)

    def lane(self, s, chat, lane):
        while not s.dead:
            yield lambda: s.dead or (s.fenced and lane and not s.draining)
            if s.dead:
                return
            s.running += 1
            ok = yield from self.handle(s, chat, lane)
            s.running -= 1
            if not ok:                                        # replaced: stop
                if not s.dead:
                    self.give_up(s)
                return

    def ack(self, s, lane, pick):
        for d in [d for d in lane if pick(d[1])]:
            lane.remove(d)
            s.conn.send('ack', s, d[0])

    def call(self, what, **kw):
        r = self.sim.world.start(what, **kw)
        yield lambda: r.resp is not None or self.sim.now >= r.t0 + CLIENT_TIMEOUT
        return r.resp or ('timeout',)

    def ask_until(self, what, **kw):
        while True:
            r = yield from self.call(what, **kw)
            if r[0] == 'ok':
                return r[1]
            t = self.sim.now + 20
            yield lambda: self.sim.now >= t

    # -- an effect that must happen once: attempted, done, look-up
    def effect(self, s, key, chat, look, start, wait, rounds, refuse=lambda: None):
        """True when `done` is in the ledger, False when replaced."""
        v, sim, clear = self.view, self.sim, False            # clear: my own last attempt surely did nothing
        while key not in v.done:
            atts = v.att.get(key, [])
            if atts and not clear and 'lookup' in sim.on:
                found = None
                for n in range(rounds):
                    t = max(a.t for a in atts) + wait if n == 0 else sim.now + LOOK_GAP
                    yield lambda: sim.now >= t or key in v.done or self.echoed(chat, atts, key)
                    if key in v.done:
                        return True
                    found = yield from look(atts)
                    if found is not None:
                        break
                if found is not None:
                    yield from self.write(Rec('done', key=key, res=found, sub=s))
                    return True
            if len(atts) >= MAX_ATTEMPTS and sim.failing:     # a dead letter for a person
                if (yield from self.write(Rec('done', key=key, res=None, why='dead', sub=s))) or 'void' not in sim.on:
                    return True
                return False
            extra = yield from self.prepare(chat)
            why = None if 'mute-at-readback' in sim.on else refuse()
            f = Rec('attempted', key=key, t=sim.now, extra=extra, sub=s)
            if not why:
                yield from self.publish(f)
                base = f.t if 'clock' in sim.on else sim.now
                if 'readback' in sim.on:
                    yield lambda: f.uid in v.seen
                    if v.seen[f.uid]:
                        return False
                if key in v.done:
                    break
                why = refuse() if 'mute-at-readback' in sim.on else None
            if why:
                if (yield from self.write(Rec('done', key=key, res=None, why=why, sub=s))) or 'void' not in sim.on:
                    return True
                return False
            clear = sim.now > base + START_WITHIN
            if clear:
                continue                                      # too late: not at all; attempted again
            r = yield from start(f)
            if r[0] == 'ok':
                yield from self.publish(Rec('done', key=key, res=r[1], sub=s))
                return True
            clear = r[0] == 'refused'
            if clear:
                t = sim.now + 15
                yield lambda: sim.now >= t
        return True

    def prepare(self, chat):
        return None
        yield

    def echoed(self, chat, atts, key):
        return False


class Ingress(Proc):
    def hook(self, r):
        if r.item.kind == 'message':
            yield from self.publish(Rec('message', id=r.item.id, chat=r.item.chat))
        else:
            yield from self.publish(Rec('muted', chat=r.item.chat, since=r.item.since))
        r.resp = 200


class Worker(Proc):
    queue = 'llm'

    def handle(self, s, chat, lane):
        v, sim = self.view, self.sim
        self.ack(s, lane, lambda m: v.closed_msg(m.id))       # repeats of what is closed
        if not lane:
            return True
        turn = v.cover.get(lane[0][1].id, lane[0][1].id)
        d, step = v.decided.get((turn, 0)), 0
        if d is None:
            t = sim.now + LINGER
            yield lambda: sim.now >= t
            ids = list(dict.fromkeys(m.id for _, m in lane if m.id not in v.cover))   # the burst, as it is now
            if turn not in ids:
                return True                                   # decided or closed meanwhile: look again
            if v.muted(chat):
                return (yield from self.close(s, turn, lane, 'suppressed', ids))
            ans = yield from self.ask(turn, chat, 0)
            d = yield from self.decide(s, turn, 0, ids, ans, chat)
            if d is None:
                return False
        while (turn, step + 1) in v.decided and 'newest-step' in sim.on:
            step += 1                                         # a successor goes on at the newest decided step
            d = v.decided[turn, step]
        while d.ans[0] == 'tools':
            if v.muted(chat) and 'command-first' not in sim.on:
                return (yield from self.close(s, turn, lane, 'handed over', d.ids))
            keys = ['%s/%d/%d' % (turn, step, k) for k in range(len(d.ans[1]))]
            yield from self.publish(self.command(turn, step, chat, d))
            if 'hold' not in sim.on:
                self.ack(s, lane, lambda m: m.id in d.ids)
            until = d.t + DEADLINE                            # armed from the fact's time
            yield lambda: ((turn, step) in self.results or all(k in v.done for k in keys) or
                           sim.now >= until or v.muted(chat))
            if v.muted(chat):
                return (yield from self.close(s, turn, lane, 'handed over', d.ids))
            step += 1
            nxt = v.decided.get((turn, step))
            if nxt is None:
                late = not ((turn, step - 1) in self.results or all(k in v.done for k in keys))
                if late and 'deadline-decided' not in sim.on:
                    nxt = Rec('decided', turn=turn, step=step, ids=d.ids, ans=('text', ['late']), t=sim.now)
                else:
                    ans = ('text', ['late']) if late else (yield from self.ask(turn, chat, step))
                    nxt = yield from self.decide(s, turn, step, d.ids, ans, chat)
                if nxt is None:
                    return False
            d = nxt
        if v.muted(chat):
            return (yield from self.close(s, turn, lane, 'handed over', d.ids))
        yield from self.publish(*self.replies(turn, chat, d))
        return (yield from self.close(s, turn, lane, 'answered', d.ids))

    def ask(self, turn, chat, step):
        """Another answer each time. While the model is down: the holding sentence, once."""
        sim = self.sim
        if not sim.world.model_up:
            yield from self.publish(Rec('reply', id=turn + '/holding', chat=chat, turn=turn, text='please wait'))
        yield lambda: sim.world.model_up
        t = sim.now + sim.rng.randint(0, 25)
        yield lambda: sim.now >= t
        r = sim.rng
        if step < 2 and r.random() < .55:
            return ('tools', [(r.choice(['note', 'lead']), r.randrange(10**6)) for _ in range(r.randint(1, 2))])
        return ('text', [r.choice(['thanks', 'ok', 'text %d' % r.randrange(10**6)]) for _ in range(r.choice([1, 1, 2]))])

    def command(self, turn, step, chat, d):
        return Rec('command', id='%s/%d' % (turn, step), chat=chat, turn=turn, step=step, calls=d.ans[1], to=self.name)

    def replies(self, turn, chat, d):
        return [Rec('reply', id='%s/reply/%d' % (turn, k), chat=chat, turn=turn, text=t) for k, t in enumerate(d.ans[1])]

    def decide(self, s, turn, step, ids, ans, chat):
        f = Rec('decided', turn=turn, step=step, ids=ids, ans=ans, t=self.sim.now, sub=s)
        if 'decided-first' not in self.sim.on:
            yield from self.publish(*([self.command(turn, step, chat, f)] if ans[0] == 'tools' else self.replies(turn, chat, f)))
        if 'decided-readback' not in self.sim.on:
            yield from self.publish(f)
            return f
        if not (yield from self.write(f)):
            return None
        return self.view.decided.get((turn, step))            # the first; none if the turn is closed

    def close(self, s, turn, lane, how, ids):
        f = Rec('closed', turn=turn, how=how, ids=ids, sub=s)
        ok = yield from self.write(f)
        if not ok and 'void' in self.sim.on:
            return False
        self.ack(s, lane, lambda m: self.view.closed_msg(m.id) or ('closed-ids' not in self.sim.on and m.id in ids))
        return True


class Writer(Proc):
    queue = 'crm'

    def handle(self, s, chat, lane):
        tag, m = lane[0]
        for k, (tool, arg) in enumerate(m.calls):
            key = '%s/%d' % (m.id, k)
            if tool == 'note':
                def look(atts):
                    return ('found' if (yield from self.ask_until('find-note', key=key)) else None)

                def start(f):
                    return (yield from self.call('note', key=key, arg=arg, chat=chat))
            else:
                def look(atts):
                    if 'lead-key' in self.sim.on:
                        ukeys = {a.extra for a in atts}
                    else:
                        ukeys = {(chat, (yield from self.ask_until('count', chat=chat)))}
                    for u in ukeys:
                        if (yield from self.ask_until('find-lead', ukey=u)):
                            return 'found'
                    return None

                def start(f):
                    return (yield from self.call('lead', key=key, ukey=f.extra, chat=chat))
            wait = LOOK_WAIT if 'crm-wait' in self.sim.on else 0
            if not (yield from self.effect(s, key, chat, look, start, wait, 1)):
                return False
        yield from self.publish(Rec('result', turn=m.turn, step=m.step, to=m.to))
        self.ack(s, lane, lambda x: x is m)
        return True

    def prepare(self, chat):
        return (chat, (yield from self.ask_until('count', chat=chat)))


class Sender(Proc):
    queue = 'reply'

    def handle(self, s, chat, lane):
        tag, m = lane[0]
        v, sim = self.view, self.sim

        def match(ms, atts):
            used = {f.res for k, f in v.done.items() if k != m.id}
            return next((x.idm for x in ms if x.chat == chat and x.text == m.text and
                         x.t >= min(a.t for a in atts) and x.idm not in used), None)

        def look(atts):
            e = match(self.echoes, atts)
            return e if e is not None else match((yield from self.ask_until('journal', chat=chat)), atts)

        def refuse():
            c = v.closed.get(m.turn)
            if v.muted(chat):
                return 'human took over'
            if 'sender-closed' in sim.on and c and (c.how != 'answered' or m.id.endswith('holding')):
                return 'turn closed as ' + c.how

        def start(f):
            return (yield from self.call('send', chat=chat, text=m.text, key=m.id, att=f.uid))
        self.echoed = lambda chat_, atts, key: False
        if not (yield from self.effect(s, m.id, chat, look, start, LOOK_WAIT, 2, refuse)):
            return False
        self.ack(s, lane, lambda x: x is m)
        return True


# ------------------------------------------------------------------ one run
class Sim:
    def __init__(self, seed, on, trace=False, power=0):
        self.rng, self.seed, self.on, self.power = random.Random(seed), seed, on, power
        global uids
        uids = itertools.count(1)
        r = self.rng
        self.now = self.steps = 0
        self.trace, self.lines, self.failing, self.faults = trace, [], True, []
        self.conns, self.broker, self.world = [], Broker(self), World(self)
        self.procs = [c(self, '%s-%s' % (n, x)) for n, c in
                      (('ingress', Ingress), ('llm', Worker), ('crm', Writer), ('sender', Sender)) for x in 'AB']
        # provider: one FIFO per instance, next only after 200
        self.items, n = [], itertools.count(1)
        for _ in range(r.randint(1, 6)):
            self.items.append(Rec('message', id='m%d' % next(n), chat=r.choice(['x', 'x', 'y'])))
        for _ in range(r.choice([0, 0, 1, 2])):
            self.items.insert(r.randrange(len(self.items) + 1), Rec('operator', chat=r.choice('xy')))
        self.next_item, self.req, self.retry_at, self.acc = 0, None, 0, []
        # swarm: each seed has its own speeds and its own mix of failures
        pace = lambda: r.choice([.3, 1, 3, 8])
        self.weights = {'task': 8, 'inbox': pace(), 'broker': pace(), 'follow': pace(), 'wire': pace(), 'flush': pace(),
                        'provider': r.choice([.1, .3, 1, 3]), 'env': r.choice([.2, .6]), 'idle': r.choice([0, .05, .3]), 'fault': r.choice([.1, .3, 1, 2])}
        kinds = ['crash', 'freeze', 'cut', 'drain', 'flip', 'repeat', 'model', 'crm', 'convert']
        self.kinds = r.sample(kinds, r.randint(1, len(kinds)))
        self.budget, self.fault_steps = r.randint(1, 12), r.choice([300, 600, 1200])

    def log(self, who, what):
        if self.trace:
            self.lines.append('%5d %-9s %s' % (self.now, who, what))

    def fault(self, text):
        self.faults.append(text)
        self.log('FAULT', text)

    # -- actions: each returns true if it did something
    def a_task(self):
        ps = [p for p in self.procs if p.alive and not p.frozen and p.tasks]
        self.rng.shuffle(ps)
        for p in ps:
            ts = p.runnable()
            if ts:
                p.step(self.rng.choice(ts))
                return True

    def a_inbox(self):
        cs = [c for c in self.conns if c.inn and c.proc.alive and not c.proc.frozen and c in (c.proc.con, c.proc.pub)]
        if cs:
            c = self.rng.choice(cs)
            c.proc.inbox(c)
            return True

    def a_broker(self):
        cs = [c for c in self.broker.conns if c.out]
        if cs:
            self.broker.take(self.rng.choice(cs))
            return True

    def a_flush(self):
        if self.broker.unconfirmed:
            self.broker.flush()
            return True

    def a_follow(self):
        led = self.broker.ledger
        ps = [p for p in self.procs if p.alive and not p.frozen and p.view.pos < len(led)]
        if ps:
            p = self.rng.choice(ps)
            for _ in range(self.rng.randint(1, 4)):
                if p.view.pos < len(led):
                    p.view.apply(led[p.view.pos])
            return True

    def a_wire(self):
        w = self.world
        w.wire = [r for r in w.wire if self.now <= r.t0 + REQ_MAX]
        if w.wire:
            w.serve(self.rng.choice(w.wire))
            return True

    def a_provider(self):
        if self.req:
            if self.req.resp == 200:
                if self.req.item.kind == 'message':
                    self.acc.append(self.req.item)
                self.next_item, self.req = self.next_item + 1, None
                return True
            if self.now >= self.req.t0 + WEBHOOK_TIMEOUT:
                self.req, self.retry_at = None, self.now + WEBHOOK_TIMEOUT
                return True
            return False
        if self.next_item < len(self.items) and self.now >= self.retry_at:
            it = self.items[self.next_item]
            if it.kind == 'operator' and not hasattr(it, 'since'):
                it.since = self.now
            self.req = self.webhook(it)
            return True

    def webhook(self, item):
        r = Rec('webhook', item=item, t0=self.now, resp=None)
        ps = [p for p in self.procs if isinstance(p, Ingress) and p.alive]
        if ps:
            p = self.rng.choice(ps)
            self.log('provider', '%s %s -> %s' % (item.kind, getattr(item, 'id', item.chat), p.name))
            p.spawn(p.hook(r))
        return r

    def a_env(self):
        """Echoes, people, restarts, thaws, heartbeats."""
        r, w = self.rng, self.world
        dead = [p for p in self.procs if not p.alive]
        if dead and r.random() < .4:
            p = r.choice(dead)
            p.start()
            self.log('env', 'restart ' + p.name)
            return True
        cold = [p for p in self.procs if p.frozen]
        if cold and r.random() < .6:
            p = r.choice(cold)
            open_ = [c for c in (p.con, p.pub) if c and c.open_b]
            if open_ and self.now - p.frozen > HEARTBEAT and r.random() < .7:
                c = r.choice(open_)
                self.log('env', 'heartbeat missed: %s %s' % (p.name, c.what))
                self.broker.cut(c)
            elif r.random() < .3:
                self.log('env', 'thaw ' + p.name)
                p.frozen = 0
            return True
        if w.echoes:
            e = w.echoes.pop(r.randrange(len(w.echoes)))
            if r.random() < .7:
                self.broker.queues['reply'].put(Rec('echo', chat=e.chat, text=e.text, idm=e.idm, t=e.t))
                self.broker.queues['reply'].dispatch()
            return True
        if self.failing and r.random() < .2:
            led = View(self.on)
            for f in self.broker.ledger:
                led.apply(f)
            muted = [c for c in 'xy' if led.muted(c)]
            if muted:
                self.broker.append(Rec('resumed', chat=r.choice(muted)))
                return True
        if not w.model_up and r.random() < .3:
            w.model_up = True
        if not w.crm_up and r.random() < .3:
            w.crm_up = True

    def a_idle(self):
        self.now += self.rng.randint(1, 30)
        return True

    def a_fault(self):
        r = self.rng
        if not self.failing or len(self.faults) >= self.budget:
            return False
        k = r.choice(self.kinds + (['power'] if self.power else []))
        ps = [p for p in self.procs if p.alive and not p.frozen]
        if not ps:
            return False
        p = r.choice(ps)
        if k == 'crash':
            self.fault('kill -9 ' + p.name)
            p.crash()
        elif k == 'freeze':
            self.fault('freeze ' + p.name)
            p.frozen = self.now or 1
        elif k == 'cut':
            c = p.pub if not p.con or r.random() < .5 else p.con
            if c.open_b:
                self.fault('connection cut: %s %s' % (p.name, c.what))
                self.broker.cut(c)
        elif k == 'drain' and p.sub and not p.sub.draining and not p.sub.dead and p.con.open_c:
            self.fault('hand-back ' + p.name)
            p.spawn(p.drain(p.sub))
        elif k == 'flip':                                      # the queue's leader lost sight of the consumer's node
            q = r.choice(list(self.broker.queues.values()))
            if len(q.consumers) > 1:
                s = q.consumers.pop(0)
                self.fault('queue %s leaves %s for %s, channel stays open' % (q.name, s.conn.proc.name, q.consumers[0].conn.proc.name))
                q.give_back(s)
                q.consumers.append(s)
                q.dispatch()
        elif k == 'repeat' and self.acc:
            it = r.choice([i for i in self.items[:self.next_item]])
            self.fault('repeated webhook %s' % getattr(it, 'id', 'operator'))
            self.webhook(it)
        elif k == 'model' and self.world.model_up:
            self.fault('model down')
            self.world.model_up = False
        elif k == 'crm' and self.world.crm_up:
            self.fault('CRM down')
            self.world.crm_up = False
        elif k == 'convert':
            ls = [l for l in self.world.leads.values() if l.open]
            if ls:
                l = r.choice(ls)
                self.fault('a person converts the lead of chat ' + l.chat)
                l.open = False
                self.world.converted[l.chat] += 1
        elif k == 'power':
            self.power_cut()
        return True

    def power_cut(self):
        """Everything stops; the ledger loses its unconfirmed tail (1), or confirmed facts as well (2)."""
        b = self.broker
        n = len(b.unconfirmed) if self.power == 1 else min(len(b.ledger), len(b.unconfirmed) + self.rng.randint(1, 3))
        self.fault('power cut, the last %d facts are lost' % n)
        for p in self.procs:
            if p.alive:
                p.crash()
        for c in list(b.conns):
            c.out.clear()
            b.drop(c)
        lost = b.ledger[len(b.ledger) - n:]
        del b.ledger[len(b.ledger) - n:]
        b.unconfirmed, b.marks = [], {}
        for f in b.ledger:
            if f.kind == 'marker':
                b.marks[f.sub.q] = f.sub.id if 'epoch' in self.on else f.sub.conn.proc.name
        return lost

    def calm(self):
        self.failing = False
        self.world.model_up = self.world.crm_up = True
        for p in self.procs:
            if not p.alive:
                p.start()
            p.frozen = 0
        self.log('env', '---- failures stop')

    def quiet(self):
        b = self.broker
        return (self.next_item >= len(self.items) and not self.world.wire and not self.world.echoes and not self.req
                and not any(q.ready or any(q.un.values()) for q in b.queues.values())
                and not any(c.out for c in b.conns)
                and not any(t[1] is None or t[2] is None for p in self.procs for t in p.tasks))

    def run(self):
        acts = {k: getattr(self, 'a_' + k) for k in self.weights}
        names, w = list(acts), list(self.weights.values())
        try:
            while True:
                self.steps += 1
                self.now += 1
                if self.failing and self.steps > self.fault_steps:
                    self.calm()
                if not self.failing and self.steps % 16 == 0 and self.quiet():
                    break
                if self.steps > self.fault_steps + CALM_STEPS:
                    raise Violation('stuck: ' + self.stuck())
                if not acts[self.rng.choices(names, w)[0]]():
                    if not any(acts[n]() for n in ('task', 'inbox', 'broker', 'follow', 'wire', 'flush', 'provider', 'env')):
                        self.now += 10                         # nothing to do but wait
                if len(self.conns) > 60:
                    self.conns = [c for c in self.conns if c.open_c and c.proc.alive]
            self.check()
        except Violation as e:
            self.log('VIOLATION', str(e))
            return str(e)

    def stuck(self):
        return '; '.join('%s: ready %d unacked %d' % (q.name, len(q.ready), sum(map(len, q.un.values())))
                         for q in self.broker.queues.values())

    # -- invariants
    def check_send(self, r):
        """No reply whose `attempted` stands behind a mute, or behind the closing of its turn otherwise."""
        v = View(self.on | {'mute-since'})
        for f in self.broker.ledger:
            if f.uid == r.att:
                break
            v.apply(f)
        ended = any(f.kind == 'resumed' and f.chat == r.chat and f.pos > v.pos for f in self.broker.ledger)
        if v.muted(r.chat) and not ended:                      # a person may have ended it in between
            raise Violation('muted: %s sent although the mute precedes its attempted' % r.key)
        turn = r.key.split('/')[0]
        if turn in v.closed and v.closed[turn].how != 'answered':
            raise Violation('late: %s sent although its turn was closed as %s before' % (r.key, v.closed[turn].how))

    def check(self):
        v, w = View(self.on), self.world
        for f in self.broker.ledger:
            v.apply(f)
        true = View(RULES)
        for f in self.broker.ledger:
            true.apply(f)
        for chat in 'xy':
            if v.muted(chat) != true.muted(chat):
                raise Violation('mute: chat %s is silent though a person ended it' % chat)
        n_sent = collections.Counter(m.key for m in w.sent)
        for k, n in n_sent.items():
            if n > 1:
                raise Violation('double send: %s is visible %d times' % (k, n))
        text = {m.key: m.text for m in w.sent}
        covered = collections.Counter()
        for t, c in v.closed.items():
            d0 = v.decided.get((t, 0))
            ids = c.ids if 'closed-ids' in self.on else (d0.ids if d0 else [t])
            if d0 and list(d0.ids) != list(ids):
                raise Violation('cover: turn %s decided for %s, closed for %s' % (t, d0.ids, ids))
            covered.update(ids)
            if c.how == 'answered':
                last = v.decided.get((t, max((s for x, s in v.decided if x == t), default=0)))
                parts = last.ans[1] if last and last.ans[0] == 'text' else ['late']
                for k, want in enumerate(parts):
                    key = '%s/reply/%d' % (t, k)
                    if key not in v.done:
                        raise Violation('no reply: turn %s is answered, %s was neither sent nor given up' % (t, key))
                    if v.done[key].res is not None and n_sent[key] != 1:
                        raise Violation('lost: %s is done and not visible' % key)
                    if v.done[key].res is None and v.done[key].why != 'dead' and n_sent[key]:
                        raise Violation('record: %s is visible and recorded as %s' % (key, v.done[key].why))
                    if n_sent[key] and text[key] != want:
                        raise Violation('two answers: %s says %r, decided was %r' % (key, text[key], want))
                if any(k.startswith(t + '/reply/') and int(k.split('/')[2]) >= len(parts) for k in n_sent):
                    raise Violation('two answers: turn %s shows parts of another answer' % t)
        for it in self.acc:
            if covered[it.id] != 1:
                raise Violation('cover: message %s is covered by %d closed turns' % (it.id, covered[it.id]))
        # tools: done once, and only what was decided
        calls = {'%s/%d/%d' % (t, s, k): c for (t, s), d in v.decided.items() if d.ans[0] == 'tools' for k, c in enumerate(d.ans[1])}
        n_note = collections.Counter(k for k, _ in w.notes)
        n_lead = collections.Counter(l.creator for l in w.leads.values())
        for k, n in (n_note + n_lead).items():
            if n > 1:
                raise Violation('tool twice: %s was done %d times' % (k, n))
            if k not in calls:
                raise Violation('tool: %s was done and not decided' % k)
        for k, arg in w.notes:
            if calls[k] != ('note', arg):
                raise Violation('tool: %s was done as another decision had it' % k)
        for k, (tool, arg) in calls.items():
            if k not in v.done:
                raise Violation('tool: %s was decided and never done' % k)
            if v.done[k].res is not None and not (n_note[k] if tool == 'note' else any(k in l.by or v.done[k].res == 'found' for l in w.leads.values())):
                raise Violation('tool: %s is recorded as done and was not' % k)
        # order
        rank = {i.id: n for n, i in enumerate(self.items) if i.kind == 'message'}
        for chat in 'xy':
            mine = [i.id for i in self.items if i.kind == 'message' and i.chat == chat]
            first = {}
            for f in self.broker.ledger:
                if f.kind in ('decided', 'closed') and f.turn in mine and not (f.stale and 'void' in self.on):
                    first.setdefault(f.turn, f.pos)
            turns = [t for t in first if t in v.closed]
            if [rank[t] for t in turns] != sorted(rank[t] for t in turns):
                raise Violation('order: turns of chat %s were taken up as %s' % (chat, turns))
            flat = [i for t in turns for i in v.closed[t].ids]
            if 'closed-ids' in self.on and flat != mine:
                raise Violation('order: turns of chat %s cover %s' % (chat, flat))
            shown = [(rank[m.key.split('/')[0]], -1 if m.key.endswith('holding') else int(m.key.split('/')[2])) for m in w.sent if m.chat == chat]
            if shown != sorted(shown):
                raise Violation('order: chat %s shows %s' % (chat, [m.key for m in w.sent if m.chat == chat]))


def one(job):
    seed, on, power = job
    s = Sim(seed, on, power=power)
    return seed, s.run(), s.steps, len(s.faults), len(s.acc), collections.Counter(f.split()[0] for f in s.faults)


def run_many(first, n, on, power, jobs=2, quiet=False, enough=0):
    t0, bad, steps, msgs, done, faults = time.time(), [], 0, 0, 0, collections.Counter()
    with multiprocessing.Pool(jobs) as pool:
        for seed, err, st, nf, ms, fs in pool.imap_unordered(one, ((s, on, power) for s in range(first, first + n)), chunksize=50):
            steps, msgs = steps + st, msgs + ms
            faults.update(fs)
            if err:
                bad.append((nf, st, seed, err))
            done += 1
            if enough and len(bad) >= enough:
                pool.terminate()
                break
    kinds = collections.Counter(e.split(':')[0] for *_, e in bad)
    if not quiet:
        print('seeds %d, steps %d, messages %d, failures injected %d %s, %.0f s' % (done, steps, msgs, sum(faults.values()), dict(faults), time.time() - t0))
        print('violations %d %s' % (len(bad), dict(kinds)))
    return sorted(bad), done, kinds


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--seed', type=int, default=1)
    ap.add_argument('--seeds', type=int, default=1)
    ap.add_argument('--mutate', default='', help='rules to switch off: ' + ', '.join(RULES) + '; or `written`; or `each`')
    ap.add_argument('--power-cut', type=int, default=0, help='1: lose unconfirmed facts; 2: confirmed ones too')
    ap.add_argument('--trace', action='store_true')
    a = ap.parse_args()
    if a.mutate == 'each':
        ok = True
        for name in RULES:
            bad, done, kinds = run_many(a.seed, a.seeds, frozenset(RULES) - {name}, a.power_cut, quiet=True, enough=30)
            ok &= bool(bad)
            print('%-18s %-10s %6d of %d seeds  %s' % (name, 'caught' if bad else 'NOT caught', len(bad), done, dict(kinds)), flush=True)
            if bad:
                print('%18s shortest: seed %d, %d failures: %s' % ('', bad[0][2], bad[0][0], bad[0][3]), flush=True)
        return 0 if ok else 1
    off = set(WRITTEN) if a.mutate == 'written' else set(filter(None, a.mutate.split(',')))
    if off - set(RULES):
        ap.error('unknown rule: ' + ', '.join(off - set(RULES)))
    on, seed = frozenset(RULES) - off, a.seed
    if a.seeds > 1:
        bad, _, _ = run_many(a.seed, a.seeds, on, a.power_cut)
        for nf, st, sd, e in bad[:8]:
            print('  seed %d, %d failures, %d steps: %s' % (sd, nf, st, e))
        if not bad:
            return 0
        seed = bad[0][2]
    s = Sim(seed, on, trace=a.trace or a.seeds > 1, power=a.power_cut)
    err = s.run()
    if a.trace:
        print('\n'.join(s.lines))
    print('seed %d: %s (%d steps; %s)' % (seed, err or 'ok', s.steps, '; '.join(s.faults)))
    return 1 if err else 0


if __name__ == '__main__':
    sys.exit(main())
