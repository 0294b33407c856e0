//! What a change must bring to be carried out: given seconds before, for just this, good once.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one is good: an honest hub uses it at once.
const GOOD_FOR: Duration = Duration::from_secs(5);

/// More than these are never out; the oldest goes.
const MOST: usize = 64;

/// The tickets that are out.
pub(super) struct Tickets {
    /// Stands before each: what another server of the same name has given is known as such.
    server: String,
    out: Mutex<VecDeque<Ticket>>,
}

struct Ticket {
    word: String,
    what: String,
    given: Instant,
}

/// What a ticket is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// Carry it out; the ticket is used up.
    Good,
    /// Too old, used, or for something else.
    Void,
    /// Another server's: it is that one's to answer.
    Foreign,
}

impl Tickets {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { server: random::<8>()?, out: Mutex::default() })
    }

    /// One for this method and address.
    pub(super) fn give(&self, what: String, now: Instant) -> io::Result<String> {
        let word = format!("{}-{}", self.server, random::<16>()?);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.len() >= MOST {
            out.pop_front();
        }
        out.push_back(Ticket { word: word.clone(), what, given: now });
        Ok(word)
    }

    /// Takes one back.
    pub(super) fn take(&self, word: &str, what: &str, now: Instant) -> Worth {
        let ours = word.strip_prefix(&self.server).is_some_and(|rest| rest.starts_with('-'));
        if !ours {
            return Worth::Foreign;
        }
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(at) = out.iter().position(|ticket| ticket.word == word) else {
            return Worth::Void;
        };
        let ticket = out.remove(at);
        let good = ticket.is_some_and(|ticket| {
            ticket.what == what && now.saturating_duration_since(ticket.given) <= GOOD_FOR
        });
        if good { Worth::Good } else { Worth::Void }
    }
}

/// So many random bytes, as hex.
fn random<const N: usize>() -> io::Result<String> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        let flags = rustix::rand::GetRandomFlags::empty();
        match rustix::rand::getrandom(&mut bytes[filled..], flags) {
            Ok(got) => filled += got,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once_soon_and_for_one_thing() {
        let (ours, theirs) = (Tickets::new().unwrap(), Tickets::new().unwrap());
        let now = Instant::now();
        let give = || ours.give("POST /x".to_owned(), now).unwrap();
        let word = give();
        assert_eq!(theirs.take(&word, "POST /x", now), Worth::Foreign);
        assert_eq!(ours.take(&word, "POST /x", now), Worth::Good);
        assert_eq!(ours.take(&word, "POST /x", now), Worth::Void);
        assert_eq!(ours.take(&give(), "POST /y", now), Worth::Void);
        assert_eq!(ours.take(&give(), "POST /x", now + GOOD_FOR), Worth::Good);
        let late = now + GOOD_FOR + Duration::from_millis(1);
        assert_eq!(ours.take(&give(), "POST /x", late), Worth::Void);
        for other in ["", "-", "made-up", &word[..8], &word[1..]] {
            assert_ne!(ours.take(other, "POST /x", now), Worth::Good, "{other}");
        }
    }

    #[test]
    fn only_so_many_are_out() {
        let tickets = Tickets::new().unwrap();
        let now = Instant::now();
        let words: Vec<_> = (0..=MOST).map(|_| tickets.give(String::new(), now).unwrap()).collect();
        assert_eq!(tickets.take(&words[0], "", now), Worth::Void);
        assert_eq!(tickets.take(&words[1], "", now), Worth::Good);
        assert_eq!(tickets.out.lock().unwrap().len(), MOST - 1);
    }
}
