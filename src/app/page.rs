//! The status page: opened beside the engine, or tried again until it can be; records are kept right in any case.

use std::convert::Infallible;
use std::future::Future;

use crate::config::Web;
use crate::engine::Ears;

/// Opens the page of a configuration that has one, and serves it for ever.
#[cfg(feature = "web")]
pub(super) fn serve(page: Option<Web>, ears: &mut Ears) -> impl Future<Output = Infallible> + use<> {
    let served = page.map(|web| {
        let (questions, asked) = tokio::sync::mpsc::channel(crate::report::web::QUESTIONS);
        let mut door = open::Door::new(&web);
        // Before anything else is done: whoever starts the daemon sees at once whether there is one.
        let first = door.open();
        ears.page = Some(crate::engine::Page { asked, stands: door.stands() });
        open::serve(web, door, first, questions)
    });
    async {
        match served {
            Some(served) => served.await,
            None => std::future::pending().await,
        }
    }
}

/// Without the feature no configuration has a page.
#[cfg(not(feature = "web"))]
pub(super) fn serve(_: Option<Web>, _: &mut Ears) -> impl Future<Output = Infallible> + use<> {
    std::future::pending()
}

#[cfg(feature = "web")]
mod open {
    use std::convert::Infallible;
    use std::time::Duration;

    use tokio::sync::{mpsc, watch};

    use crate::config::Web;
    use crate::model::backoff;
    use crate::model::time::Moment;
    use crate::os::clock::{Clock, SystemClock, now};
    use crate::os::listen::{Listen, Listener};
    use crate::os::secret::{LEAST_TRIED, Secret};
    use crate::report::control::Asked;
    use crate::report::status::PageStatus;
    use crate::report::web;

    /// It is tried again after 5 to 10 s, then ever later, and at least so often: an address that is taken, or is not there yet, costs
    /// nothing to ask for.
    const LONGEST: Duration = Duration::from_secs(300);

    /// Where the page is to be opened, and what was said of how that stands.
    pub(super) struct Door {
        listen: Listen,
        tells: watch::Sender<PageStatus>,
        failures: u32,
        rng: fastrand::Rng,
    }

    impl Door {
        pub(super) fn new(web: &Web) -> Self {
            let stands = PageStatus { listen: web.listen.to_string(), served: false, error: None, again: None };
            Self {
                listen: web.listen.clone(),
                tells: watch::Sender::new(stands),
                failures: 0,
                rng: fastrand::Rng::new(),
            }
        }

        /// How it stands, from now on.
        pub(super) fn stands(&self) -> watch::Receiver<PageStatus> {
            self.tells.subscribe()
        }

        /// Tries once; `Err`: when to try again, if that is of any use.
        pub(super) fn open(&mut self) -> Result<Listener, Option<Moment>> {
            let listen = &self.listen;
            let error = match Listener::open(listen) {
                Ok(listener) => {
                    tracing::info!("the status page is at {listen}");
                    self.tell(true, None, None);
                    return Ok(listener);
                }
                Err(error) => error,
            };
            self.failures = self.failures.saturating_add(1);
            // What the service manager did not hand over to this process it never will.
            let wait =
                (*listen != Listen::Systemd).then(|| backoff::transient(self.failures, &mut self.rng).min(LONGEST));
            if self.failures == 1 {
                let then = wait.map_or(String::new(), |wait| format!("; tried again in {} s, and on", wait.as_secs()));
                tracing::error!(
                    "there is no status page, records are looked after all the same: {listen}: {error}{then}"
                );
            } else {
                tracing::debug!("there is still no status page: {listen}: {error}");
            }
            let now = now();
            let again = wait.map(|wait| now.moment.plus(wait));
            self.tell(false, Some(error.to_string()), again.map(|again| now.wall_of(again).to_string()));
            Err(again)
        }

        fn tell(&self, served: bool, error: Option<String>, again: Option<String>) {
            self.tells.send_replace(PageStatus { listen: self.listen.to_string(), served, error, again });
        }
    }

    /// Serves what was opened, or can be later.
    pub(super) async fn serve(
        web: Web,
        mut door: Door,
        mut opened: Result<Listener, Option<Moment>>,
        questions: mpsc::Sender<Asked>,
    ) -> Infallible {
        loop {
            match opened {
                Ok(listener) => {
                    let Web { hosts, token, .. } = web;
                    if token.as_ref().is_some_and(Secret::is_guessed) {
                        tracing::warn!(
                            "nothing can be done from the page: its token is shorter than {LEAST_TRIED} characters"
                        );
                    }
                    return web::serve(listener, web::Rules { hosts, token }, questions).await;
                }
                Err(Some(again)) => SystemClock.until(again).await,
                Err(None) => std::future::pending().await,
            }
            opened = door.open();
        }
    }
}
