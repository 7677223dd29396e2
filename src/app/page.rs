//! The status page: opened beside the engine, or not where it cannot be; records are kept right in any case.

use std::convert::Infallible;
use std::future::Future;

use crate::config::Web;
use crate::engine::Ears;

/// Opens the page of a configuration that has one, and serves it for ever.
#[cfg(feature = "web")]
pub(super) fn serve(page: Option<Web>, ears: &mut Ears) -> impl Future<Output = Infallible> + use<> {
    use crate::os::listen::Listener;
    use crate::os::secret::{LEAST_TRIED, Secret};
    use crate::report::web;

    let opened = page.and_then(|Web { listen, hosts, token }| match Listener::open(&listen) {
        Ok(listener) => {
            tracing::info!("the status page is at {listen}");
            if token.as_ref().is_some_and(Secret::is_guessed) {
                tracing::warn!("nothing can be done from the page: its token is shorter than {LEAST_TRIED} characters");
            }
            Some((listener, web::Rules { hosts, token }))
        }
        Err(error) => {
            tracing::error!("there is no status page, records are looked after all the same: {listen}: {error}");
            None
        }
    });
    let served = opened.map(|(listener, rules)| {
        let (questions, asked) = tokio::sync::mpsc::channel(web::QUESTIONS);
        ears.page = Some(asked);
        web::serve(listener, rules, questions)
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
