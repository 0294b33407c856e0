//! The rule by which a hub applies what the stream holds: pure, and a function of the stream alone,
//! so that all hubs of a team come to the same logs.
//!
//! - Within one log of a publisher: each event once, and only behind the one before it.
//! - What is missing is a hole: nothing behind it is applied until it has been sent again.
//! - A project begins, or begins anew, with the beginning of a log. A log that was given up for
//!   another one never comes back.

use serde::{Deserialize, Serialize};

use crate::domain::event::EventId;
use crate::nats::message::Origin;

/// So many given up logs of a project are known; a publisher's database is not replaced that often.
const MOST_SUPERSEDED: usize = 64;

/// Where a project's log stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The publisher's log.
    pub(super) epoch: String,
    /// The last event of it that was applied.
    pub(super) last: EventId,
    /// Where that stands in the stream,
    pub(super) at: u64,
    /// and when the stream took it, in nanoseconds since the epoch: which message it is.
    pub(super) time: i64,
    /// The publisher's logs before this one.
    pub(super) superseded: Vec<String>,
}

/// What is to be done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The project begins with it, or begins anew.
    Begin,
    /// It is the next.
    Apply,
    /// It is there already.
    Repeat,
    /// Of a log that was given up.
    Superseded,
    /// What is behind this event, and before the message's, has not come.
    Hole {
        /// The last event before the hole.
        after: EventId,
    },
}

/// Judges a message. `cut`: the stream's beginning is not kept any more, so that the beginning of a
/// log need not be there.
pub(super) fn judge(place: Option<&Place>, sequence: u64, origin: &Origin, cut: bool) -> Step {
    let begins = origin.previous == 0;
    let Some(place) = place else {
        return if begins || cut { Step::Begin } else { Step::Hole { after: 0 } };
    };
    if sequence <= place.at {
        return Step::Repeat;
    }
    if origin.epoch == place.epoch {
        return if origin.id <= place.last {
            Step::Repeat
        } else if origin.previous <= place.last {
            Step::Apply
        } else {
            Step::Hole { after: place.last }
        };
    }
    if place.superseded.contains(&origin.epoch) {
        Step::Superseded
    } else if begins {
        Step::Begin
    } else {
        Step::Hole { after: 0 }
    }
}

impl Place {
    /// Where the project stands behind a message that begins it or is applied.
    pub(super) fn behind(before: Option<&Self>, sequence: u64, time: i64, origin: &Origin) -> Self {
        let mut superseded = before.map(|it| it.superseded.clone()).unwrap_or_default();
        if let Some(before) = before.filter(|it| it.epoch != origin.epoch) {
            superseded.push(before.epoch.clone());
            let many = superseded.len().saturating_sub(MOST_SUPERSEDED);
            superseded.drain(..many);
        }
        Self { epoch: origin.epoch.clone(), last: origin.id, at: sequence, time, superseded }
    }

    /// The same, within one log.
    pub(super) fn advance(&mut self, sequence: u64, time: i64, id: EventId) {
        (self.at, self.time, self.last) = (sequence, time, id);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origin(epoch: &str, id: EventId, previous: EventId) -> Origin {
        Origin { epoch: epoch.to_owned(), id, previous }
    }

    /// A hub's log of one project, by the rule alone.
    #[derive(Debug, Clone, Default, PartialEq)]
    struct Model {
        place: Option<Place>,
        log: Vec<(u64, EventId)>,
        hole: Option<(String, EventId)>,
    }

    impl Model {
        fn take(&mut self, sequence: u64, origin: &Origin, cut: bool) -> Step {
            let step = judge(self.place.as_ref(), sequence, origin, cut);
            match step {
                Step::Begin | Step::Apply => {
                    if step == Step::Begin {
                        self.log.clear();
                    }
                    self.log.push((sequence, origin.id));
                    self.place = Some(Place::behind(self.place.as_ref(), sequence, 0, origin));
                    self.hole = None;
                }
                Step::Hole { after } => self.hole = Some((origin.epoch.clone(), after)),
                Step::Repeat | Step::Superseded => {}
            }
            step
        }

        fn read(&mut self, messages: &[(u64, &Origin)], cut: bool) {
            for (at, one) in messages {
                self.take(*at, one, cut);
            }
        }

        fn ids(&self) -> Vec<EventId> {
            self.log.iter().map(|(_, id)| *id).collect()
        }
    }

    #[test]
    fn each_message_has_one_answer() {
        let mut hub = Model::default();
        assert_eq!(hub.take(5, &origin("a", 3, 2), false), Step::Hole { after: 0 });
        assert_eq!(hub.take(6, &origin("a", 1, 0), false), Step::Begin);
        assert_eq!(hub.take(7, &origin("a", 1, 0), false), Step::Repeat);
        assert_eq!(hub.take(8, &origin("a", 3, 2), false), Step::Hole { after: 1 });
        assert_eq!(hub.take(9, &origin("a", 4, 1), false), Step::Apply);
        // Everything before it was purged at the publisher's: nothing is missing that could come.
        assert_eq!(hub.take(10, &origin("a", 9, 0), false), Step::Apply);
        // The stream is read once more from its beginning.
        assert_eq!(hub.take(8, &origin("a", 12, 9), false), Step::Repeat);
        assert_eq!(hub.take(11, &origin("b", 8, 7), false), Step::Hole { after: 0 });
        assert_eq!(hub.ids(), [1, 4, 9], "no hole of another log takes this one away");
        assert_eq!(hub.take(12, &origin("b", 7, 0), false), Step::Begin);
        assert_eq!(hub.take(13, &origin("a", 10, 9), false), Step::Superseded);
        assert_eq!(hub.take(14, &origin("a", 1, 0), false), Step::Superseded);
        assert_eq!(hub.ids(), [7]);
        assert_eq!(Model::default().take(100, &origin("a", 30, 29), true), Step::Begin);
    }

    #[test]
    fn given_up_logs_are_bounded() {
        let mut place = None;
        for n in 0..500_u64 {
            place = Some(Place::behind(place.as_ref(), n, 0, &origin(&n.to_string(), 1, 0)));
        }
        let place = place.unwrap();
        assert_eq!(place.superseded.len(), MOST_SUPERSEDED);
        assert_eq!(place.superseded.last().unwrap(), "498");
    }

    /// What a publisher's log holds: rising ids with holes, each with the one before it.
    fn log_of(steps: &[u8]) -> Vec<Origin> {
        let (mut id, mut previous) = (0, 0);
        let next = |step: &u8| {
            id += u64::from(step % 3) + 1;
            let one = origin("a", id, previous);
            previous = id;
            one
        };
        steps.iter().map(next).collect()
    }

    /// What may happen on the way: 0–4 sent, 5 lost, 6 sent twice, 7 sent again from somewhere.
    fn stream_of(log: &[Origin], fates: &[(u8, u8)]) -> Vec<Origin> {
        let mut stream = Vec::new();
        let mut at = 0;
        for (fate, place) in fates {
            let Some(one) = log.get(at) else { break };
            match fate {
                5 => at += 1,
                6 => {
                    stream.extend([one.clone(), one.clone()]);
                    at += 1;
                }
                7 => at = usize::from(*place) % (at + 1),
                _ => {
                    stream.push(one.clone());
                    at += 1;
                }
            }
        }
        stream
    }

    proptest! {
        #[test]
        fn whatever_happens_on_the_way_the_log_is_a_beginning_of_the_publishers_and_ends_as_it(
            steps in proptest::collection::vec(any::<u8>(), 1..40),
            fates in proptest::collection::vec((0..8_u8, any::<u8>()), 0..120),
        ) {
            let log = log_of(&steps);
            let all: Vec<EventId> = log.iter().map(|one| one.id).collect();
            let mut hub = Model::default();
            let mut sequence = 0;
            for one in stream_of(&log, &fates) {
                sequence += 1;
                hub.take(sequence, &one, false);
                prop_assert!(all.starts_with(&hub.ids()), "{:?} of {all:?}", hub.ids());
            }
            // Asked again, from where it says.
            let after = hub.place.as_ref().map_or(0, |place| place.last);
            for one in log.iter().filter(|one| one.id > after) {
                sequence += 1;
                prop_assert!(matches!(hub.take(sequence, one, false), Step::Begin | Step::Apply));
            }
            prop_assert_eq!(hub.ids(), all);
            prop_assert!(hub.log.is_sorted_by(|one, two| one.0 < two.0));
        }

        /// One that was killed and reads again from anywhere before comes to what one comes to that
        /// has read all in one go; so does one that knows nothing.
        #[test]
        fn hubs_that_start_at_different_places_agree(
            steps in proptest::collection::vec(any::<u8>(), 1..40),
            fates in proptest::collection::vec((0..8_u8, any::<u8>()), 1..120),
            (stopped, kept) in (any::<usize>(), any::<usize>()),
        ) {
            let stream = stream_of(&log_of(&steps), &fates);
            let messages: Vec<(u64, &Origin)> = (1..).zip(&stream).collect();
            let mut straight = Model::default();
            straight.read(&messages, false);
            // What it has committed is ahead of the place that it kept.
            let stopped = stopped % (messages.len() + 1);
            let kept = kept % (stopped + 1);
            let mut again = Model::default();
            again.read(&messages[..stopped], false);
            again.read(&messages[kept..], false);
            prop_assert_eq!(&again.log, &straight.log);
            prop_assert_eq!(&again.place, &straight.place);
        }

        /// The stream's beginning is gone: one that has read it all and one that comes late have the
        /// same from there on, as long as nothing was lost before.
        #[test]
        fn one_that_comes_late_has_the_end_of_what_the_others_have(
            steps in proptest::collection::vec(any::<u8>(), 1..40),
            repeats in proptest::collection::vec(0..8_u8, 40),
            purged in any::<usize>(),
        ) {
            let log = log_of(&steps);
            let mut stream = Vec::new();
            for (one, repeat) in log.iter().zip(&repeats) {
                stream.push(one.clone());
                if *repeat == 0 {
                    stream.push(one.clone());
                }
            }
            let messages: Vec<(u64, &Origin)> = (1..).zip(&stream).collect();
            let mut early = Model::default();
            early.read(&messages, false);
            let purged = purged % messages.len();
            let mut late = Model::default();
            late.read(&messages[purged..], purged > 0);
            // A message sent twice on end may have lost the first of the two with the beginning.
            let from = late.log.get(1).map_or(u64::MAX, |(at, _)| *at);
            let tail = |log: &[(u64, EventId)]| -> Vec<(u64, EventId)> {
                log.iter().filter(|(at, _)| *at >= from).copied().collect()
            };
            prop_assert_eq!(tail(&late.log), tail(&early.log));
        }

        /// Logs that are replaced, in any order and with leftovers of the old: all hubs end in the
        /// same one, and what was given up never comes back.
        #[test]
        fn given_up_logs_do_not_come_back(
            messages in proptest::collection::vec((0..4_u8, 1..6_u64), 0..80),
        ) {
            let mut hub = Model::default();
            let mut seen: Vec<String> = Vec::new();
            for (at, (epoch, id)) in (1..).zip(&messages) {
                let step = hub.take(at, &origin(&epoch.to_string(), *id, id - 1), false);
                if step == Step::Begin {
                    prop_assert!(!seen.contains(&epoch.to_string()));
                    seen.push(epoch.to_string());
                }
                if let Some(place) = &hub.place {
                    prop_assert_eq!(seen.last(), Some(&place.epoch));
                    prop_assert_eq!(hub.ids(), (1..=place.last).collect::<Vec<_>>());
                }
            }
        }
    }
}
