//! A sign of life from what may be slow, pauses that a service asks for, and what a person hears who interrupts.

use std::future::{Future, pending};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::timeout;

use super::print;
use crate::engine::Onlooker;
use crate::model::agree::{Reading, Verdict};
use crate::model::error::{Error, Kind, Result};
use crate::os::signals::{Signal, Signals};

/// How long a call may take before a person is told that it goes on.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is said again.
const AGAIN: Duration = Duration::from_secs(10);
/// How long a command waits in all for a service that asks for pauses.
const PAUSES: Duration = Duration::from_secs(120);

/// The exit code of a command that was interrupted, as shells have it for SIGINT.
pub(super) const INTERRUPTED: u8 = 130;

/// Waits for something that may be slow, and says on standard error what is waited for.
pub(super) async fn patiently<T>(doing: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut pause = PATIENCE;
    let mut waited = Duration::ZERO;
    loop {
        if let Ok(done) = timeout(pause, &mut work).await {
            return done;
        }
        waited += pause;
        pause = AGAIN;
        print::progress(&format!("{doing} ({} s so far) ...", waited.as_secs()));
    }
}

/// Says on standard error, whenever it is another thing, which single source has yet to say often enough what it says.
pub(super) fn tell_what_is_proved() -> Onlooker {
    let mut last = String::new();
    Box::new(move |state, now| {
        let Some(at) = state.proves_at() else { return };
        let unproven = state.verdicts().filter_map(|(.., weighed)| match (&weighed.verdict, weighed.believed()) {
            (Verdict::Unproven { .. }, Reading::Unknown(why)) => Some(why),
            _ => None,
        });
        let says = unproven.collect::<Vec<_>>().join("; ");
        if says != last {
            print::progress(&format!("{says}; it is asked again in {} s ...", at.since(now.moment).as_secs()));
            last = says;
        }
    })
}

/// Asks a service something, again after a pause that it wants, as long as the pauses are not too long.
pub(super) async fn asked<T, F: Future<Output = Result<T>>>(doing: &str, mut ask: impl FnMut() -> F) -> Result<T> {
    let mut left = PAUSES;
    loop {
        let answer = patiently(doing, ask()).await;
        let Some(pause) = answer.as_ref().err().and_then(|error| pause(error, left)) else { return answer };
        say_pause(doing, pause);
        let _ = timeout(pause, pending::<()>()).await;
        left -= pause;
    }
}

/// The pause that an error asks for, where it is one and fits into what is left.
fn pause(error: &Error, left: Duration) -> Option<Duration> {
    match error.kind {
        Kind::RateLimited { after: Some(after) } => {
            Some(after.max(Duration::from_secs(1))).filter(|after| *after <= left)
        }
        _ => None,
    }
}

fn say_pause(doing: &str, pause: Duration) {
    print::progress(&format!("{doing}: the service wants a pause, going on in {} s ...", pause.as_secs()));
}

/// The wish of a person to end, from the first change on: before that nothing is lost by ending at once.
pub(super) struct Interrupt {
    signals: Option<Signals>,
    /// It was wished.
    pub(super) heard: bool,
}

impl Interrupt {
    /// Listens from now on.
    pub(super) fn listen() -> Self {
        Self { signals: Signals::open().ok(), heard: false }
    }

    async fn next(&mut self) {
        let Some(signals) = self.signals.as_mut().filter(|_| !self.heard) else { return pending().await };
        while !matches!(signals.next().await, Signal::Stop | Signal::Reload) {}
        self.heard = true;
    }

    /// What became of some work, unless a person ended it before.
    async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let (work, stop) = (std::pin::pin!(work), std::pin::pin!(self.next()));
        match select(stop, work).await {
            Either::Left(_) => None,
            Either::Right((done, _)) => Some(done),
        }
    }

    /// Sends changes; one answer each. Those for which the service wants a pause are sent again after it. What was interrupted is
    /// said to have been, as the service goes on with what it took; `look` is the command that shows it.
    pub(super) async fn send<I: Clone, T, F: Future<Output = Vec<Result<T>>>>(
        &mut self,
        (doing, look): (&str, &str),
        changes: &[I],
        mut send: impl FnMut(Vec<I>) -> F,
    ) -> Vec<Result<T>> {
        if self.heard {
            let unsent =
                || Err(Error::transient(doing, "it was not sent: the command was interrupted before").unsent());
            return changes.iter().map(|_| unsent()).collect();
        }
        let mut answers: Vec<Option<Result<T>>> = changes.iter().map(|_| None).collect();
        let mut due: Vec<usize> = (0..changes.len()).collect();
        let mut left = PAUSES;
        while !due.is_empty() {
            let chosen = due.iter().filter_map(|at| changes.get(*at)).cloned().collect();
            let Some(told) = self.or(patiently(doing, send(chosen))).await else {
                let several = due.len() > 1;
                set(&mut answers, &due, due.iter().map(|_| Err(interrupted(doing, look, several))));
                break;
            };
            set(&mut answers, &due, told.into_iter());
            let pause_of = |at: &usize| match answers.get(*at) {
                Some(Some(Err(error))) => pause(error, left),
                _ => None,
            };
            let Some(pause) = due.iter().filter_map(pause_of).max() else { break };
            due.retain(|at| pause_of(at).is_some());
            say_pause(doing, pause);
            if self.or(timeout(pause, pending::<()>())).await.is_none() {
                set(&mut answers, &due, due.iter().map(|_| Err(not_again(doing, look))));
                break;
            }
            left -= pause;
        }
        let silent = || Err(Error::transient(doing, "there was no answer for it"));
        answers.into_iter().map(|answer| answer.unwrap_or_else(silent)).collect()
    }

    /// Sends one thing; see [`Self::send`].
    pub(super) async fn send_one<T, F: Future<Output = Result<T>>>(
        &mut self,
        what: (&str, &str),
        mut send: impl FnMut() -> F,
    ) -> Result<T> {
        let one = |_: Vec<()>| {
            let sent = send();
            async { vec![sent.await] }
        };
        let silent = || Err(Error::transient(what.0, "there was no answer for it"));
        self.send(what, &[()], one).await.pop().unwrap_or_else(silent)
    }
}

/// Notes the answers for some of the changes.
fn set<T>(answers: &mut [Option<Result<T>>], due: &[usize], told: impl Iterator<Item = Result<T>>) {
    for (at, answer) in due.iter().zip(told) {
        if let Some(place) = answers.get_mut(*at) {
            *place = Some(answer);
        }
    }
}

/// Of a change that was under way; of several nobody knows here which ones the service had got.
fn interrupted(doing: &str, look: &str, several: bool) -> Error {
    let taken = "interrupted, and nothing of it is taken back: what was sent by then the service goes on with";
    let this = if several { ", and whether this had been sent is not known" } else { "" };
    Error::transient(doing, format!("{taken}{this}")).hint(format!("{look} shows what became of it"))
}

/// Of a change that the service had put off, and that was not sent again.
fn not_again(doing: &str, look: &str) -> Error {
    let why = "interrupted in the pause that the service wanted, and not sent again";
    Error::transient(doing, why).hint(format!("{look} shows what is there"))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn limited(seconds: u64) -> Error {
        Error::rate_limited(Some(Duration::from_secs(seconds)), "asking", "too many")
    }

    fn quiet() -> Interrupt {
        Interrupt { signals: None, heard: false }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_waited_out_and_too_many_are_not() {
        let calls = RefCell::new(0);
        let answer = asked("asking", || {
            *calls.borrow_mut() += 1;
            let first = *calls.borrow() == 1;
            async move { if first { Err(limited(30)) } else { Ok(7) } }
        });
        assert_eq!((answer.await, calls.into_inner()), (Ok(7), 2));
        let calls = RefCell::new(0);
        let answer = asked("asking", || {
            *calls.borrow_mut() += 1;
            async { Err::<(), _>(limited(50)) }
        });
        assert_eq!((answer.await, calls.into_inner()), (Err(limited(50)), 3), "120 s have two pauses of 50");
        let unsaid = Error::rate_limited(None, "asking", "too many");
        assert_eq!(pause(&unsaid, PAUSES), None);
        assert_eq!(pause(&limited(121), PAUSES), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_taken_is_not_sent_again_after_a_pause() {
        let sent = RefCell::new(Vec::new());
        let mut interrupt = quiet();
        let answers = interrupt.send(("adding", "driftless records list"), &[1, 2, 3], |some: Vec<u32>| {
            let first = sent.borrow().is_empty();
            sent.borrow_mut().push(some.clone());
            let answer = move |n| if first && n == 2 { Err(limited(5)) } else { Ok(n) };
            async move { some.into_iter().map(answer).collect() }
        });
        assert_eq!(answers.await, [Ok(1), Ok(2), Ok(3)]);
        assert_eq!(sent.into_inner(), [vec![1, 2, 3], vec![2]]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_interrupts_hears_what_was_sent_and_what_was_not() {
        let told = futures_util::stream::once(async { Signal::Stop });
        let mut interrupt = Interrupt { signals: Some(Signals::of(told)), heard: false };
        let what = ("adding www.example.org A", "driftless records list");
        let answer = interrupt.send_one(what, pending::<Result<()>>).await.unwrap_err();
        let said = answer.to_string();
        assert!(said.contains("the service goes on with") && said.contains("driftless records list shows"), "{said}");
        assert!(!said.contains("not known"), "{said}");
        let later = interrupt.send_one(what, || async { Ok(()) }).await.unwrap_err();
        assert!(interrupt.heard && later.unsent && later.why.contains("not sent"), "{later}");
    }

    #[tokio::test(start_paused = true)]
    async fn of_several_that_were_interrupted_none_is_said_to_have_been_sent() {
        let mut interrupt =
            Interrupt { signals: Some(Signals::of(futures_util::stream::once(async { Signal::Stop }))), heard: false };
        let what = ("adding www.example.org A", "driftless records list");
        let answers = interrupt.send(what, &[1, 2, 3], |_| pending::<Vec<Result<()>>>()).await;
        let unsure = |answer: &Result<()>| answer.as_ref().is_err_and(|error| error.why.contains("not known"));
        assert!(answers.len() == 3 && answers.iter().all(unsure), "{answers:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_interrupts_a_pause_hears_that_nothing_is_sent_again_and_how_to_look() {
        let told = futures_util::stream::once(async {
            let _ = timeout(Duration::from_secs(3), pending::<()>()).await;
            Signal::Stop
        });
        let mut interrupt = Interrupt { signals: Some(Signals::of(told)), heard: false };
        let what = ("adding www.example.org A", "driftless records list");
        let answers = interrupt.send(what, &[1, 2], |some: Vec<u32>| async move {
            some.into_iter().map(|n| if n == 1 { Ok(n) } else { Err(limited(30)) }).collect()
        });
        let answers = answers.await;
        let said = answers[1].as_ref().unwrap_err().to_string();
        assert!(interrupt.heard && answers[0] == Ok(1), "{answers:?}");
        assert!(said.contains("interrupted in the pause") && said.contains("driftless records list shows"), "{said}");
    }
}
