//! The log: standard error, as text or JSON.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{self, Full, Json, JsonFields, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, Layer, MakeWriter};
use tracing_subscriber::layer::{Layer as _, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::os::clock;

/// The target our own events start with.
const OURS: &str = env!("CARGO_PKG_NAME");

/// How an event is written: always one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people and containers.
    Text,
    /// One object a line.
    Json,
    /// For journald on standard error: the priority in front (sd-daemon(3)), no time stamp, as the journal keeps its own.
    Journal,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// A level for ourselves (`off`, `error`, `warn`, `info`, `debug`, `trace`; `info` if none is given), levels for targets
    /// (`driftless::net=trace`), or both with commas between. The level never raises other crates above `warn`, as what they
    /// trace can hold credentials; a crate that is named has the level named (`hickory_net=debug`). Of the crates below us
    /// only hickory writes to this log at all: reqwest and rustls use another facade, which nothing listens to.
    pub filter: String,
    /// How an event is written.
    pub format: Format,
    /// Whether [`Format::Text`] and [`Format::Json`] have time stamps (RFC 3339 in UTC, to the second).
    pub timestamps: bool,
}

/// Starts the log of this process on standard error. There are no colours unless standard error is a terminal (nor if
/// `NO_COLOR` is set). If nobody reads standard error any more, events are lost in silence.
///
/// # Errors
/// When the filter is not understood, or when the log was started before.
pub fn init(options: &LogOptions) -> Result<(), String> {
    let subscriber = subscriber(options, io::stderr().is_terminal(), io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| "the log was started before".to_owned())
}

/// Whether standard error goes to journald, given the value of `JOURNAL_STREAM`: device and inode of the stream that the
/// manager connected (systemd.exec(5)). A redirected standard error has others.
#[must_use]
pub fn under_journal(journal_stream: Option<&str>) -> bool {
    let Some((device, inode)) = journal_stream.and_then(|stream| stream.split_once(':')) else { return false };
    let Ok(stat) = rustix::fs::fstat(io::stderr()) else { return false };
    device == stat.st_dev.to_string() && inode == stat.st_ino.to_string()
}

/// The log with a writer of the caller's choice.
fn subscriber<W>(options: &LogOptions, terminal: bool, writer: W) -> Result<impl Subscriber + Send + Sync, String>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // The layer reports a failed write on standard error, which is what just failed: that would panic.
    let layer = Layer::<Registry>::default().log_internal_errors(false).with_writer(writer);
    let layer = if terminal && options.format == Format::Text { layer } else { layer.with_ansi(false) };
    let text = |time, level| Line { time, inner: format::format().without_time().with_level(level) };
    let layer = match (options.format, options.timestamps) {
        (Format::Text, time) => layer.fmt_fields(escaped_fields()).event_format(text(time, true)).boxed(),
        (Format::Journal, _) => layer.fmt_fields(escaped_fields()).event_format(Prefixed(text(false, false))).boxed(),
        (Format::Json, true) => {
            layer.fmt_fields(JsonFields::new()).event_format(JsonLine(json().with_timer(Clock))).boxed()
        }
        (Format::Json, false) => {
            layer.fmt_fields(JsonFields::new()).event_format(JsonLine(json().without_time())).boxed()
        }
    };
    Ok(tracing_subscriber::registry().with(layer).with(targets(&options.filter)?))
}

/// The filter: see [`LogOptions::filter`].
fn targets(filter: &str) -> Result<Targets, String> {
    let mut ours = LevelFilter::INFO;
    let mut named = Vec::new();
    for part in filter.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            None => ours = level(part)?,
            Some((target, word)) => named.push((module(target.trim())?, level(word.trim())?)),
        }
    }
    Ok(Targets::new().with_default(ours.min(LevelFilter::WARN)).with_target(OURS, ours).with_targets(named))
}

fn level(word: &str) -> Result<LevelFilter, String> {
    match word {
        "off" => Ok(LevelFilter::OFF),
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(format!("\"{word}\" is no log level: off, error, warn, info, debug or trace")),
    }
}

/// A target as Rust names modules.
fn module(target: &str) -> Result<&str, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    if !target.is_empty() && target.chars().all(fits) {
        Ok(target)
    } else {
        Err(format!("\"{target}\" is no part of a program: write, for example, {OURS}::net=debug"))
    }
}

/// Wall time, as everything of ours shows it.
struct Clock;

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", clock::now().wall)
    }
}

/// Text, with or without the time in front.
struct Line {
    time: bool,
    inner: format::Format<Full, ()>,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if self.time {
            Clock.format_time(&mut writer)?;
            writer.write_char(' ')?;
        }
        self.inner.format_event(ctx, writer, event)
    }
}

/// Text with a syslog priority in front.
struct Prefixed(Line);

impl<S, N> FormatEvent<S, N> for Prefixed
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write!(writer, "<{}>", priority(*event.metadata().level()))?;
        self.0.format_event(ctx, writer, event)
    }
}

/// The priority of syslog(3) for a level.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

fn json() -> format::Format<Json> {
    format::format().json().flatten_event(true)
}

/// JSON in which no character acts on a terminal: the encoder escapes only those below U+0020.
struct JsonLine<T>(format::Format<Json, T>);

impl<S, T> FormatEvent<S, JsonFields> for JsonLine<T>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    T: FormatTime,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut text = String::new();
        self.0.format_event(ctx, Writer::new(&mut text), event)?;
        for c in text.chars() {
            // All of them stand within strings, but for the line break at the end, and none lies above U+FFFF.
            if acts(c) && c != '\n' { write!(writer, "\\u{:04x}", u32::from(c))? } else { writer.write_char(c)? }
        }
        Ok(())
    }
}

/// Fields as `name=value`, the message without its name, and nothing in them that acts on a terminal or starts a line:
/// the library escapes some of these characters in messages, and none in fields.
fn escaped_fields() -> impl for<'a> FormatFields<'a> + Send + Sync + 'static {
    let field = |writer: &mut Writer<'_>, field: &tracing::field::Field, value: &dyn fmt::Debug| {
        if field.name() != "message" {
            write!(writer, "{}=", field.name())?;
        }
        write!(Escaped(writer), "{value:?}")
    };
    format::debug_fn(field).delimited(" ")
}

struct Escaped<'a, 'w>(&'a mut Writer<'w>);

impl fmt::Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(
            |c| {
                if acts(c) { write!(self.0, "{}", c.escape_default()) } else { self.0.write_char(c) }
            },
        )
    }
}

/// Whether a character does something instead of showing something: control characters, line and paragraph separators, and
/// those that are invisible or turn the direction of writing.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::process::Stdio;
    use std::sync::{Arc, Mutex};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tracing::subscriber::with_default;

    use super::*;
    use crate::net::http::{ECHO, Http};
    use crate::os::child;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn options(filter: &str, format: Format, timestamps: bool) -> LogOptions {
        LogOptions { filter: filter.into(), format, timestamps }
    }

    fn text(buffer: &Buffer) -> String {
        String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap()
    }

    fn logged(options: &LogOptions, terminal: bool, events: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        with_default(subscriber(options, terminal, move || writer.clone()).unwrap(), events);
        text(&buffer)
    }

    /// What a server could answer to draw on the terminal, forge a line, or hide something.
    const NASTY: &str = "a\nb\r<3>c\u{1b}[31md\u{9b}2Je\u{7}f\u{202e}g\u{2028}h\u{7f}i";

    fn nasty() {
        tracing::info_span!("span", inside = %NASTY).in_scope(|| {
            tracing::info!(shown = %NASTY, debugged = ?NASTY, plain = NASTY, "message {NASTY}");
        });
    }

    #[test]
    fn text_of_a_server_cannot_act_on_the_terminal_or_forge_a_line() {
        for format in [Format::Text, Format::Json, Format::Journal] {
            for timestamps in [true, false] {
                let all = logged(&options("info", format, timestamps), false, nasty);
                let line = all.strip_suffix('\n').unwrap();
                assert!(!line.contains(acts), "{format:?}: {line:?}");
                assert!(line.contains("span"), "{line}");
            }
        }
        let text = logged(&options("info", Format::Text, false), true, nasty);
        assert!(text.contains("\u{1b}["), "a terminal has colours");
        assert_eq!(text.matches('\n').count(), 1);
        assert!(!text.contains("\u{1b}[31md") && !text.contains('\u{9b}'), "{text:?}");
    }

    #[test]
    fn json_stays_json_and_loses_nothing() {
        let line = logged(&options("info", Format::Json, true), true, nasty);
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["shown"], NASTY);
        assert_eq!(event["message"], format!("message {NASTY}"));
        assert!(event["timestamp"].as_str().unwrap().ends_with('Z'));
        let line = logged(&options("info", Format::Json, false), true, nasty);
        assert!(serde_json::from_str::<serde_json::Value>(&line).unwrap().get("timestamp").is_none());
    }

    #[test]
    fn each_format_has_its_head() {
        let say = || tracing::warn!(target: "driftless::x", answer = 42, "slow");
        assert_eq!(logged(&options("info", Format::Text, false), false, say), " WARN driftless::x: slow answer=42\n");
        assert_eq!(logged(&options("info", Format::Journal, true), true, say), "<4>driftless::x: slow answer=42\n");
        let timed = logged(&options("info", Format::Text, true), false, say);
        let (time, rest) = timed.split_once(' ').unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
        assert_eq!(rest, " WARN driftless::x: slow answer=42\n");
    }

    #[test]
    fn other_crates_are_capped_at_warn_unless_named() {
        let say = || {
            tracing::trace!(target: "hyper::proto", "hyper traced");
            tracing::debug!(target: "hickory_net::udp", "hickory debugged");
            tracing::info!(target: "reqwest::connect", "reqwest informed");
            tracing::debug!(target: "rustls::client", "rustls debugged");
            tracing::warn!(target: "hickory_net::udp", "hickory warned");
            tracing::trace!(target: "driftless::net", "ours");
        };
        let all = logged(&options("trace", Format::Text, false), false, say);
        assert_eq!(all, " WARN hickory_net::udp: hickory warned\nTRACE driftless::net: ours\n");
        let all = logged(&options("warn,hickory_net=debug", Format::Text, false), false, say);
        assert_eq!(all, "DEBUG hickory_net::udp: hickory debugged\n WARN hickory_net::udp: hickory warned\n");
        assert_eq!(logged(&options("off", Format::Text, false), false, say), "");
        let all = logged(&options("error, driftless::net=trace", Format::Text, false), false, say);
        assert_eq!(all, "TRACE driftless::net: ours\n");
    }

    #[test]
    fn a_misspelt_filter_is_refused() {
        for bad in ["inof", "info,driftless=loud", "driftless::net", "a b=info", "=info", "x[{y}]=info", "driftless="] {
            assert!(targets(bad).is_err(), "{bad}");
        }
        assert!(targets("").unwrap().would_enable("driftless::engine", &Level::INFO));
        assert!(!targets("").unwrap().would_enable("driftless::engine", &Level::DEBUG));
    }

    #[tokio::test]
    async fn a_request_shows_no_secret_at_any_level() {
        const HEADER: &str = "canary-in-a-header";
        const QUERY: &str = "canary-in-a-query";
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/update?token={QUERY}", listener.local_addr().unwrap().port());
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let log = subscriber(&options("trace", Format::Text, false), false, move || writer.clone()).unwrap();
        let log = tracing::subscriber::set_default(log);
        tracing::trace!("the log is on");

        let http = Http::new(None);
        let request = || http.client().unwrap().get(&url).header("Authorization", HEADER).build().unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood").await.unwrap();
            String::from_utf8_lossy(&head[..length]).into_owned()
        };
        let (sent, reply) = tokio::join!(serve, http.send(request(), ECHO, "updating"));
        assert!(sent.contains(HEADER) && sent.contains(QUERY), "the canaries were sent");
        assert_eq!(reply.unwrap().text(), "good");
        drop(listener);
        let error = http.send(request(), ECHO, "updating").await.unwrap_err();
        tracing::error!(%error, "failed");
        tracing::error!(?error, "failed");

        drop(log);
        let all = text(&buffer);
        assert!(all.contains("the log is on") && all.contains("updating"), "{all}");
        assert!(!all.contains(HEADER) && !all.contains(QUERY), "{all}");
    }

    #[test]
    fn the_log_goes_to_standard_error_and_outlives_its_reader() {
        if child::is() {
            init(&options("info", Format::Text, false)).unwrap();
            assert!(init(&options("info", Format::Text, false)).is_err());
            assert!(!under_journal(None) && !under_journal(Some("1:1")) && !under_journal(Some("")));
            let stat = rustix::fs::fstat(io::stderr()).unwrap();
            assert!(under_journal(Some(&format!("{}:{}", stat.st_dev, stat.st_ino))));
            tracing::info!("one");
            // The other side reads that line and goes away.
            io::stdin().read_to_end(&mut Vec::new()).unwrap();
            tracing::error!("two");
            return;
        }
        let mut again = child::again("os::log::tests::the_log_goes_to_standard_error_and_outlives_its_reader");
        let mut child = again.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = [0; 100];
        let length = child.stderr.take().unwrap().read(&mut line).unwrap();
        assert_eq!(String::from_utf8_lossy(&line[..length]), " INFO driftless::os::log::tests: one\n");
        drop(child.stdin.take());
        child::succeeded(&child.wait_with_output().unwrap());
    }
}
