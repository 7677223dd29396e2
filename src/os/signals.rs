//! Signals as a stream of words.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures_util::{Stream, StreamExt};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::flag;

/// What a signal asks for. Signals of one kind that arrive together are told once, and the order is not that of
/// arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP: read the configuration again.
    Reload,
    /// SIGUSR1: look at everything now.
    Update,
    /// SIGUSR2: write the state to the log.
    Dump,
    /// SIGTERM or SIGINT: end in order.
    Stop,
}

/// The exit code of a process that was told twice to stop.
const TOLD_TWICE: i32 = 1;

/// The signals of this process. SIGPIPE needs no handler: Rust programs start with it ignored, and a write to a closed
/// pipe is an error like any other.
pub struct Signals(Pin<Box<dyn Stream<Item = Signal> + Send>>);

impl Signals {
    /// Starts to catch the signals, to be called once, inside a tokio runtime. From then on a second SIGTERM or SIGINT
    /// ends the process at once with exit code 1, even if nobody calls [`Signals::next`] any more.
    ///
    /// # Errors
    /// When the kernel refuses a handler or a socket pair.
    pub fn open() -> io::Result<Self> {
        let told = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // Actions run in the order of their registration: the first signal finds the flag down and raises it.
            flag::register_conditional_shutdown(signal, TOLD_TWICE, Arc::clone(&told))?;
            flag::register(signal, Arc::clone(&told))?;
        }
        let signals = signal_hook_tokio::Signals::new([SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGINT])?;
        Ok(Self::of(signals.map(|signal| match signal {
            SIGHUP => Signal::Reload,
            SIGUSR1 => Signal::Update,
            SIGUSR2 => Signal::Dump,
            // The rest is SIGTERM and SIGINT.
            _ => Signal::Stop,
        })))
    }

    /// What somebody else says: tests, instead of the kernel.
    #[must_use]
    pub fn of(told: impl Stream<Item = Signal> + Send + 'static) -> Self {
        Self(Box::pin(told))
    }

    /// The next signal. Dropping the future loses none.
    pub async fn next(&mut self) -> Signal {
        // The kernel's stream never ends, as nobody has the handle that closes it; if it did, no signal could reach us any
        // more, and to stop is the safe reading.
        self.0.next().await.unwrap_or(Signal::Stop)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Child, ChildStderr, Stdio};

    use rustix::process::{Pid, Signal as Raw, kill_process};

    use super::*;
    use crate::os::child;

    /// What the child does: it says each signal on a line of its own until it is told to stop.
    #[tokio::main(flavor = "current_thread")]
    async fn listen(stubborn: bool) {
        let mut signals = Signals::open().unwrap();
        say("ready");
        loop {
            let signal = signals.next().await;
            say(&format!("{signal:?}"));
            if signal == Signal::Stop && !stubborn {
                return;
            }
        }
    }

    fn say(text: &str) {
        writeln!(io::stderr(), "{text}").unwrap();
    }

    struct Listener {
        child: Child,
        lines: io::Lines<BufReader<ChildStderr>>,
    }

    impl Listener {
        fn start(test: &str) -> Self {
            let mut child = child::again(test).stderr(Stdio::piped()).spawn().unwrap();
            let lines = BufReader::new(child.stderr.take().unwrap()).lines();
            let mut listener = Self { child, lines };
            assert_eq!(listener.line(), "ready");
            listener
        }

        fn line(&mut self) -> String {
            self.lines.next().unwrap().unwrap()
        }

        fn send(&self, signal: Raw) {
            kill_process(Pid::from_child(&self.child), signal).unwrap();
        }
    }

    impl Drop for Listener {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    #[test]
    fn each_signal_has_its_word_and_a_closed_pipe_does_no_harm() {
        if child::is() {
            return listen(false);
        }
        let mut listener =
            Listener::start("os::signals::tests::each_signal_has_its_word_and_a_closed_pipe_does_no_harm");
        for (raw, word) in [(Raw::HUP, "Reload"), (Raw::USR1, "Update"), (Raw::USR2, "Dump"), (Raw::HUP, "Reload")] {
            listener.send(Raw::PIPE);
            listener.send(raw);
            assert_eq!(listener.line(), word);
        }
        listener.send(Raw::TERM);
        assert_eq!(listener.line(), "Stop");
        assert_eq!(listener.child.wait().unwrap().code(), Some(0));
    }

    #[test]
    fn a_second_term_or_int_ends_the_process_at_once() {
        if child::is() {
            return listen(true);
        }
        for (first, second) in [(Raw::TERM, Raw::TERM), (Raw::INT, Raw::INT), (Raw::TERM, Raw::INT)] {
            let mut listener = Listener::start("os::signals::tests::a_second_term_or_int_ends_the_process_at_once");
            listener.send(first);
            assert_eq!(listener.line(), "Stop");
            listener.send(Raw::HUP);
            assert_eq!(listener.line(), "Reload", "the first signal alone does not end it");
            listener.send(second);
            assert_eq!(listener.child.wait().unwrap().code(), Some(TOLD_TWICE));
        }
    }
}
