//! State machine of the half of a stream that the peer sends. Has no QUIC and no clock of its own.
//!
//! | state | acknowledged | FIN | reset | fail | stop | drained | reported |
//! |---|---|---|---|---|---|---|---|
//! | awaiting ack | open | ✗ | draining (reset) | draining (lost) | stopped | = | = |
//! | open | ✗ | draining (FIN) | draining (reset) | draining (lost) | stopped | = | = |
//! | draining (FIN) | ✗ | ✗ | ✗ | = | stopped | ended | = |
//! | draining (reset) | ✗ | ✗ | ✗ | = | stopped | = | reset |
//! | draining (lost) | ✗ | ✗ | ✗ | = | stopped | = | lost |
//! | ended, reset, stopped, lost | ✗ | ✗ | ✗ | = | = | = | = |
//!
//! `=` keeps the state. `✗` is a bug: [`RecvState::on`] returns `None`.

/// A receiving half. Live in the first two states: QUIC's half exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecvState {
    /// This side opened the stream, and the peer's answer line is not here yet.
    AwaitingAck,
    Open,
    /// QUIC's half has ended. Buffered bytes, or the error behind them, are still to be read.
    Draining(RecvEnd),
    /// All was read up to the FIN.
    Ended,
    /// By the peer, and a caller knows.
    Reset,
    /// By this side.
    Stopped,
    /// The whole stream failed, and a caller knows.
    Lost,
}

/// How QUIC's half ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecvEnd {
    Fin,
    Reset,
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecvEvent {
    Acknowledged,
    Fin,
    Reset,
    Fail,
    /// By this side. Buffered bytes are discarded.
    Stop,
    /// Nothing is buffered any more.
    Drained,
    /// A caller has got the error of this half, and nothing is buffered before it.
    Reported,
}

impl RecvState {
    /// The next state; `None` for an event that cannot happen in this one.
    pub(super) fn on(self, event: RecvEvent) -> Option<Self> {
        use RecvEvent as Event;
        Some(match (self, event) {
            (Self::AwaitingAck, Event::Acknowledged) => Self::Open,
            (Self::Open, Event::Fin) => Self::Draining(RecvEnd::Fin),
            (Self::AwaitingAck | Self::Open, Event::Reset) => Self::Draining(RecvEnd::Reset),
            (_, Event::Acknowledged | Event::Fin | Event::Reset) => return None,
            (Self::AwaitingAck | Self::Open, Event::Fail) => Self::Draining(RecvEnd::Lost),
            (Self::AwaitingAck | Self::Open | Self::Draining(_), Event::Stop) => Self::Stopped,
            (Self::Draining(RecvEnd::Fin), Event::Drained) => Self::Ended,
            (Self::Draining(RecvEnd::Reset), Event::Reported) => Self::Reset,
            (Self::Draining(RecvEnd::Lost), Event::Reported) => Self::Lost,
            (state, Event::Fail | Event::Stop | Event::Drained | Event::Reported) => state,
        })
    }

    /// Whether QUIC's half exists.
    pub(super) fn is_live(self) -> bool {
        matches!(self, Self::AwaitingAck | Self::Open)
    }

    /// Whether the half has ended, and no caller has anything left to read, an error included.
    pub(super) fn is_done(self) -> bool {
        !self.is_live() && !matches!(self, Self::Draining(_))
    }

    /// Whether the FIN was received.
    pub(super) fn has_fin(self) -> bool {
        matches!(self, Self::Draining(RecvEnd::Fin) | Self::Ended)
    }
}

#[cfg(test)]
mod tests {
    use super::{RecvEvent as Event, RecvState as State, *};

    const EVENTS: [Event; 7] =
        [Event::Acknowledged, Event::Fin, Event::Reset, Event::Fail, Event::Stop, Event::Drained, Event::Reported];

    /// A state, and the next one for each of `EVENTS` in order.
    type Row = (State, [Option<State>; 7]);

    const FIN: State = State::Draining(RecvEnd::Fin);
    const CUT: State = State::Draining(RecvEnd::Reset);
    const FAILED: State = State::Draining(RecvEnd::Lost);

    #[rustfmt::skip]
    const TABLE: [Row; 9] = {
        use State::{AwaitingAck, Ended, Lost, Open, Reset, Stopped};
        use Some as s;
        const X: Option<State> = None;
        //                acked    FIN     reset   fail        stop        drained         reported
        [
            (AwaitingAck, [s(Open), X,      s(CUT), s(FAILED),  s(Stopped), s(AwaitingAck), s(AwaitingAck)]),
            (Open,        [X,       s(FIN), s(CUT), s(FAILED),  s(Stopped), s(Open),        s(Open)]),
            (FIN,         [X,       X,      X,      s(FIN),     s(Stopped), s(Ended),       s(FIN)]),
            (CUT,         [X,       X,      X,      s(CUT),     s(Stopped), s(CUT),         s(Reset)]),
            (FAILED,      [X,       X,      X,      s(FAILED),  s(Stopped), s(FAILED),      s(Lost)]),
            (Ended,       [X,       X,      X,      s(Ended),   s(Ended),   s(Ended),       s(Ended)]),
            (Reset,       [X,       X,      X,      s(Reset),   s(Reset),   s(Reset),       s(Reset)]),
            (Stopped,     [X,       X,      X,      s(Stopped), s(Stopped), s(Stopped),     s(Stopped)]),
            (Lost,        [X,       X,      X,      s(Lost),    s(Lost),    s(Lost),        s(Lost)]),
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
                assert!(!state.is_done() || next == state, "{state:?} to {next:?}");
            }
        }
    }

    #[test]
    fn a_fin_is_never_taken_back_by_a_later_failure() {
        for state in [FIN, State::Ended] {
            assert!(state.has_fin() && state.on(Event::Fail).is_some_and(State::has_fin));
        }
    }
}
