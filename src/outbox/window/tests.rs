//! Whatever happens to messages and acks: who reads the stream by the rule ends with the log.

use std::collections::{HashMap, VecDeque};

use proptest::prelude::*;

use super::*;

/// A message on its way, and what names it.
#[derive(Debug, Clone)]
struct Sent {
    token: u64,
    id: EventId,
    previous: EventId,
    name: (EventId, Option<u64>),
}

/// A publisher, a stream, and what is between them.
#[derive(Debug)]
struct Stage {
    /// The log's ids; some are missing in between.
    log: Vec<EventId>,
    window: Window,
    kept: Position,
    /// Tokens of what the window has sent and not seen acked.
    flying: VecDeque<u64>,
    /// Connections, the newest last: what is on an old one may still arrive.
    pipes: Vec<VecDeque<Sent>>,
    acks: HashMap<u64, u64>,
    stream: Vec<Sent>,
    names: HashMap<(EventId, Option<u64>), u64>,
    tokens: u64,
    looks: usize,
}

/// What happens.
#[derive(Debug, Clone)]
enum Happens {
    Append(u8, bool),
    Arrive(u8),
    /// Of the old connections.
    ArriveLate(u8),
    Lose(u8),
    Ack(u8),
    TimeOut,
    Restart,
    Keep,
    NamesForgotten,
    Ask(u8),
    Cut(u8),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (1..6_u8, any::<bool>()).prop_map(|(n, gap)| Happens::Append(n, gap)),
        6 => (1..8_u8).prop_map(Happens::Arrive),
        2 => (1..4_u8).prop_map(Happens::ArriveLate),
        2 => (1..4_u8).prop_map(Happens::Lose),
        6 => (1..8_u8).prop_map(Happens::Ack),
        2 => Just(Happens::TimeOut),
        1 => Just(Happens::Restart),
        2 => Just(Happens::Keep),
        1 => Just(Happens::NamesForgotten),
        1 => any::<u8>().prop_map(Happens::Ask),
    ]
}

fn or_a_cut() -> impl Strategy<Value = Happens> {
    prop_oneof![8 => happens(), 1 => (1..9_u8).prop_map(Happens::Cut)]
}

impl Stage {
    fn new() -> Self {
        Self {
            log: Vec::new(),
            window: Window::new(Position::default()),
            kept: Position::default(),
            flying: VecDeque::new(),
            pipes: vec![VecDeque::new()],
            acks: HashMap::new(),
            stream: Vec::new(),
            names: HashMap::new(),
            tokens: 0,
            looks: 0,
        }
    }

    /// Sends what may be sent, as the loop does.
    fn pump(&mut self) {
        let mut previous = self.window.sent();
        let from = self.log.partition_point(|id| *id <= previous);
        for &id in &self.log[from..] {
            if self.flying.len() >= 6 {
                break;
            }
            let name = (id, self.window.again(id));
            let sent = Sent { token: self.tokens, id, previous, name };
            self.tokens += 1;
            self.window.send(id, 1);
            self.flying.push_back(sent.token);
            self.pipes.last_mut().unwrap().push_back(sent);
            previous = id;
        }
    }

    fn arrive(&mut self, sent: &Sent) {
        let stored = self.names.get(&sent.name).copied().unwrap_or_else(|| {
            self.stream.push(sent.clone());
            self.stream.len() as u64
        });
        self.names.insert(sent.name, stored);
        self.acks.insert(sent.token, stored);
    }

    fn arrive_all(&mut self, mut pipe: usize, count: usize) {
        for _ in 0..count {
            pipe = pipe.min(self.pipes.len() - 1);
            let Some(sent) = self.pipes[pipe].pop_front() else { return };
            self.arrive(&sent);
        }
    }

    fn reconnect(&mut self) {
        self.flying.clear();
        self.pipes.push(VecDeque::new());
        self.window.forget();
        self.look();
    }

    /// As at each connection.
    fn look(&mut self) {
        self.looks += 1;
        let position = self.window.position();
        let at =
            |sequence: u64| self.stream.get(usize::try_from(sequence).unwrap().wrapping_sub(1));
        let there = match at(position.sequence) {
            _ if position.sequence == 0 => There::Gone,
            Some(sent) => There::Ours(sent.id),
            None => There::Beyond,
        };
        let last = self.stream.last().map(|it| (it.id, self.stream.len() as u64));
        let last = last.map(|(id, sequence)| Position { id, sequence });
        self.window = Window::new(resume(position, there, last));
    }

    fn ack(&mut self) -> bool {
        let Some(sequence) = self.flying.front().and_then(|token| self.acks.get(token)) else {
            return false;
        };
        let sequence = *sequence;
        self.flying.pop_front();
        match self.window.acked(sequence) {
            Next::On => {}
            Next::Back => self.flying.clear(),
            Next::Look => self.reconnect(),
        }
        true
    }

    fn happen(&mut self, what: &Happens) {
        let newest = self.pipes.len() - 1;
        match *what {
            Happens::Append(count, gap) => {
                for _ in 0..count {
                    let last = self.log.last().copied().unwrap_or(0);
                    self.log.push(last + 1 + u64::from(gap));
                }
            }
            Happens::Arrive(count) => self.arrive_all(newest, count.into()),
            Happens::ArriveLate(count) => {
                if let Some(old) = self.pipes.iter().position(|pipe| !pipe.is_empty()) {
                    self.arrive_all(old, count.into());
                }
            }
            Happens::Lose(count) => {
                let count = usize::from(count).min(self.pipes[newest].len());
                self.pipes[newest].drain(..count);
            }
            Happens::Ack(count) => (0..count).for_each(|_| _ = self.ack()),
            Happens::TimeOut => self.reconnect(),
            Happens::Restart => {
                self.window = Window::new(self.kept);
                self.reconnect();
            }
            Happens::Keep => self.kept = self.window.position(),
            Happens::NamesForgotten => self.names.clear(),
            Happens::Ask(at) => {
                let after = self.log.get(usize::from(at) % self.log.len().max(1)).copied();
                if self.window.ask(after.unwrap_or(0), self.stream.len() as u64) {
                    self.flying.clear();
                }
            }
            Happens::Cut(count) => {
                let left = self.stream.len().saturating_sub(count.into());
                self.stream.truncate(left);
                self.names.retain(|_, stored| *stored <= left as u64);
                self.acks.clear();
                // Nothing that was on its way outlives what cuts a stream.
                self.pipes.iter_mut().for_each(VecDeque::clear);
                self.reconnect();
            }
        }
        self.pump();
    }

    /// What a reader has by the rule.
    fn read(&self) -> Vec<EventId> {
        let mut read = Vec::new();
        for sent in &self.stream {
            let last = read.last().copied().unwrap_or(0);
            if sent.previous <= last && last < sent.id {
                read.push(sent.id);
            }
        }
        read
    }

    /// Nothing is lost any more, until all is acked.
    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 10_000, "it does not come to an end: {self:?}");
            self.pump();
            for pipe in 0..self.pipes.len() {
                self.arrive_all(pipe, usize::MAX);
            }
            if !self.ack() {
                if self.flying.is_empty() {
                    break;
                }
                self.reconnect();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_stream_read_by_the_rule_is_the_log(
        all in prop::collection::vec(happens(), 0..60),
    ) {
        let mut stage = Stage::new();
        for what in &all {
            stage.happen(what);
            // What is kept is in the stream, with all before it, at every moment.
            let position = stage.window.position().id;
            let there = stage.read().last().copied().unwrap_or(0);
            prop_assert!(position <= there, "{position} is said to be sent, {there} is");
        }
        stage.settle();
        prop_assert_eq!(stage.read(), &stage.log[..]);
        prop_assert_eq!(stage.window.position().id, stage.log.last().copied().unwrap_or(0));
    }

    /// A stream that lost its end may have lost what was stored late: then who reads it asks.
    #[test]
    fn a_stream_that_was_cut_is_made_whole_again(
        all in prop::collection::vec(or_a_cut(), 0..60),
    ) {
        let mut stage = Stage::new();
        for what in &all {
            stage.happen(what);
        }
        stage.settle();
        for _ in 0..3 {
            let read = stage.read();
            if read == stage.log {
                break;
            }
            let seen = stage.stream.len() as u64;
            if stage.window.ask(read.last().copied().unwrap_or(0), seen) {
                stage.flying.clear();
            }
            stage.settle();
        }
        prop_assert_eq!(stage.read(), &stage.log[..]);
    }
}

#[test]
fn a_repeat_that_lies_too_early_is_sent_again_under_another_name() {
    let mut window = Window::new(Position { id: 8, sequence: 20 });
    for id in 9..12 {
        window.send(id, 1);
    }
    assert_eq!(window.acked(23), Next::On);
    // 10 had been stored before 9 was.
    assert_eq!(window.acked(21), Next::Back);
    assert_eq!((window.sent(), window.position()), (9, Position { id: 9, sequence: 23 }));
    assert_eq!((window.again(10), window.again(11), window.again(12)), (Some(23), Some(23), None));
    window.send(10, 1);
    window.send(11, 1);
    assert_eq!(window.acked(24), Next::On);
    assert_eq!(window.acked(25), Next::On);
    assert_eq!(window.again(11), None);
}

#[test]
fn the_same_ask_again_does_nothing_while_it_is_answered() {
    let mut window = Window::new(Position { id: 100, sequence: 500 });
    assert!(!window.ask(100, 501), "nothing is missing behind what was acked last");
    assert!(window.ask(10, 501));
    assert_eq!((window.sent(), window.again(11), window.again(101)), (10, Some(501), None));
    assert!(!window.ask(10, 502) && !window.ask(50, 502));
    assert!(window.ask(5, 502), "more than is on its way");
    for id in 6..=100 {
        window.send(id, 1);
        assert_eq!(window.acked(600 + id), Next::On);
    }
    assert_eq!(window.position(), Position { id: 100, sequence: 700 });
    assert!(window.ask(10, 701), "it was answered, and something is missing still");
    window.forget();
    assert_eq!(window.sent(), 100);
}

#[test]
fn only_so_much_is_on_its_way() {
    let mut window = Window::new(Position::default());
    assert!(window.takes(usize::MAX), "one alone always is");
    (1..=512).for_each(|id| window.send(id, 1));
    assert!(!window.takes(1));
    window.acked(1);
    assert!(window.takes(1) && !window.takes(MOST_BYTES));
}
