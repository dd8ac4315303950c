//! State machine of the half of a stream that this side sends. Has no QUIC and no clock of its own.
//!
//! | state | cork, uncork | header sent | finish | ack settled | reset | stopped | reported | fail |
//! |---|---|---|---|---|---|---|---|---|
//! | header unsent | header unsent | open | finishing, or finished | = | reset | stopped | = | lost |
//! | open | = | ✗ | finishing, or finished | = | reset | stopped | = | lost |
//! | finishing | = | ✗ | = | finished | = | ✗ | = | lost, reported |
//! | finished | = | ✗ | = | = | = | ✗ | = | lost, reported |
//! | reset | = | ✗ | = | = | = | ✗ | = | lost, reported |
//! | stopped | = | ✗ | reported | = | reported | ✗ | reported | lost, reported if the stop was |
//! | lost | = | ✗ | reported | = | reported | ✗ | reported | = |
//!
//! `=` keeps the state. `✗` is a bug: [`SendState::on`] returns `None`.

/// A sending half. Live in the first two states: QUIC's half exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendState {
    /// The header, or the ack of an accepted stream, is not sent yet. Corked: small first bytes wait with it.
    HeaderUnsent {
        corked: bool,
    },
    Open,
    /// The FIN is on its way. The peer has not acknowledged the header, and the connection waits for that before it closes.
    Finishing,
    /// The FIN is on its way, and the header is acknowledged or never will be.
    Finished,
    /// By this side.
    Reset,
    /// By the peer. A stop found while no call wrote is unreported until the next write fails with it.
    Stopped {
        code: u64,
        reported: bool,
    },
    /// The whole stream failed: refused, not acknowledged in time, or its connection ended. Outranks every other state. Unreported
    /// until a caller has got the error, unless this side had ended the half before.
    Lost {
        reported: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendEvent {
    Cork,
    Uncork,
    /// Nothing of the header is left to send.
    HeaderSent,
    /// The FIN and all before it are written, or deferred to the connection's task.
    Finish {
        acknowledged: bool,
    },
    /// The ack arrived, or never will.
    AckSettled,
    Reset,
    Stopped {
        code: u64,
    },
    /// A caller has got the error of this half.
    Reported,
    Fail,
}

impl SendState {
    /// The next state; `None` for an event that cannot happen in this one.
    #[expect(clippy::match_same_arms, reason = "the arms are in the order of the table")]
    pub(super) fn on(self, event: SendEvent) -> Option<Self> {
        use SendEvent as Event;
        Some(match (self, event) {
            (Self::HeaderUnsent { .. }, Event::Cork) => Self::HeaderUnsent { corked: true },
            (Self::HeaderUnsent { .. }, Event::Uncork) => Self::HeaderUnsent { corked: false },
            (Self::HeaderUnsent { .. }, Event::HeaderSent) => Self::Open,
            (_, Event::HeaderSent) => return None,
            (Self::HeaderUnsent { .. } | Self::Open, Event::Finish { acknowledged: false }) => Self::Finishing,
            (Self::HeaderUnsent { .. } | Self::Open, Event::Finish { acknowledged: true }) => Self::Finished,
            (Self::HeaderUnsent { .. } | Self::Open, Event::Reset) => Self::Reset,
            (Self::HeaderUnsent { .. } | Self::Open, Event::Stopped { code }) => {
                Self::Stopped { code, reported: false }
            }
            (_, Event::Stopped { .. }) => return None,
            (Self::Finishing, Event::AckSettled) => Self::Finished,
            (Self::Stopped { code, .. }, Event::Finish { .. } | Event::Reset | Event::Reported) => {
                Self::Stopped { code, reported: true }
            }
            (Self::Lost { .. }, Event::Finish { .. } | Event::Reset | Event::Reported) => Self::Lost { reported: true },
            (state @ Self::Lost { .. }, Event::Fail) => state,
            (state, Event::Fail) => Self::Lost { reported: state.is_reported() },
            (
                state,
                Event::Cork | Event::Uncork | Event::Finish { .. } | Event::AckSettled | Event::Reset | Event::Reported,
            ) => state,
        })
    }

    /// Whether QUIC's half exists.
    pub(super) fn is_live(self) -> bool {
        matches!(self, Self::HeaderUnsent { .. } | Self::Open)
    }

    /// Whether the half has ended, and no writer has to learn of a stop.
    pub(super) fn is_done(self) -> bool {
        !self.is_live() && !matches!(self, Self::Stopped { reported: false, .. })
    }

    /// Whether the half has ended, and no caller needs to be told.
    pub(super) fn is_reported(self) -> bool {
        self.is_done() && self != Self::Lost { reported: false }
    }

    /// Whether the whole stream failed.
    pub(super) fn is_lost(self) -> bool {
        matches!(self, Self::Lost { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::{SendEvent as Event, SendState as State};

    const UNSENT: State = State::HeaderUnsent { corked: false };
    const CORKED: State = State::HeaderUnsent { corked: true };
    const STOPPED: State = State::Stopped { code: 7, reported: false };
    const REPORTED: State = State::Stopped { code: 7, reported: true };
    const LOST: State = State::Lost { reported: false };
    const KNOWN: State = State::Lost { reported: true };

    const EVENTS: [Event; 10] = [
        Event::Cork,
        Event::Uncork,
        Event::HeaderSent,
        Event::Finish { acknowledged: false },
        Event::Finish { acknowledged: true },
        Event::AckSettled,
        Event::Reset,
        Event::Stopped { code: 7 },
        Event::Reported,
        Event::Fail,
    ];

    /// A state, and the next one for each of `EVENTS` in order.
    type Row = (State, [Option<State>; 10]);

    #[rustfmt::skip]
    const TABLE: [Row; 10] = {
        use State::{Finished, Finishing, Open, Reset};
        use Some as s;
        const X: Option<State> = None;
        //           cork          uncork        sent     finish        f., acked     ack settled   reset         stopped     reported      fail
        [
            (UNSENT,    [s(CORKED),    s(UNSENT),    s(Open), s(Finishing), s(Finished),  s(UNSENT),    s(Reset),     s(STOPPED), s(UNSENT),    s(LOST)]),
            (CORKED,    [s(CORKED),    s(UNSENT),    s(Open), s(Finishing), s(Finished),  s(CORKED),    s(Reset),     s(STOPPED), s(CORKED),    s(LOST)]),
            (Open,      [s(Open),      s(Open),      X,       s(Finishing), s(Finished),  s(Open),      s(Reset),     s(STOPPED), s(Open),      s(LOST)]),
            (Finishing, [s(Finishing), s(Finishing), X,       s(Finishing), s(Finishing), s(Finished),  s(Finishing), X,          s(Finishing), s(KNOWN)]),
            (Finished,  [s(Finished),  s(Finished),  X,       s(Finished),  s(Finished),  s(Finished),  s(Finished),  X,          s(Finished),  s(KNOWN)]),
            (Reset,     [s(Reset),     s(Reset),     X,       s(Reset),     s(Reset),     s(Reset),     s(Reset),     X,          s(Reset),     s(KNOWN)]),
            (STOPPED,   [s(STOPPED),   s(STOPPED),   X,       s(REPORTED),  s(REPORTED),  s(STOPPED),   s(REPORTED),  X,          s(REPORTED),  s(LOST)]),
            (REPORTED,  [s(REPORTED),  s(REPORTED),  X,       s(REPORTED),  s(REPORTED),  s(REPORTED),  s(REPORTED),  X,          s(REPORTED),  s(KNOWN)]),
            (LOST,      [s(LOST),      s(LOST),      X,       s(KNOWN),     s(KNOWN),     s(LOST),      s(KNOWN),     X,          s(KNOWN),     s(LOST)]),
            (KNOWN,     [s(KNOWN),     s(KNOWN),     X,       s(KNOWN),     s(KNOWN),     s(KNOWN),     s(KNOWN),     X,          s(KNOWN),     s(KNOWN)]),
        ]
    };

    #[test]
    fn every_state_answers_every_event_as_the_table_says() {
        for (state, row) in TABLE {
            for (event, next) in EVENTS.into_iter().zip(row) {
                assert_eq!(state.on(event), next, "{state:?} on {event:?}");
            }
        }
    }

    #[test]
    fn a_half_that_ended_never_lives_again() {
        for (state, row) in TABLE {
            for next in row.into_iter().flatten() {
                assert!(state.is_live() || !next.is_live(), "{state:?} to {next:?}");
                assert!(!state.is_done() || next.is_done(), "{state:?} to {next:?}");
            }
        }
    }

    #[test]
    fn only_a_stop_that_no_caller_has_seen_keeps_an_ended_half() {
        let kept: Vec<_> =
            TABLE.iter().map(|(state, _)| *state).filter(|state| !state.is_live() && !state.is_done()).collect();
        assert_eq!(kept, [STOPPED]);
    }

    #[test]
    fn a_stop_and_a_failure_are_unreported_unless_this_side_had_ended_the_half() {
        let unreported: Vec<_> =
            TABLE.iter().map(|(state, _)| *state).filter(|state| !state.is_live() && !state.is_reported()).collect();
        assert_eq!(unreported, [STOPPED, LOST]);
        for (state, row) in TABLE {
            let failed = row[9].expect("every half can fail");
            assert_eq!(failed.is_reported(), state.is_reported(), "{state:?}");
        }
    }
}
