//! The log: standard error, as text or JSON, or the journal with its fields.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal};
use std::path::Path;

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

mod journal;

use journal::{Datagram, Journal};

/// The target our own events start with.
const OURS: &str = env!("CARGO_PKG_NAME");

/// How an event is written: always one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people and containers.
    Text,
    /// One object a line.
    Json,
    /// For journald: its own protocol, with the event's fields as `DRIFTLESS_…`; where journald does not take that, lines on standard
    /// error with the priority in front (sd-daemon(3)). No time stamp, as the journal keeps its own.
    Journal,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// A level for ourselves (`off`, `error`, `warn`, `info`, `debug`, `trace`; `info` if none is given), levels for
    /// targets (`driftless::net=trace`), or both with commas between. The level never raises other crates above
    /// `error`, whatever it is, as what they trace can hold credentials; a crate that is named has the level named
    /// (`hickory_net=debug`). Of the crates below us hickory and `hyper_util` write to this log; hyper, reqwest and
    /// rustls use another facade, which nothing listens to.
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
    let journal = (options.format == Format::Journal).then(|| Journal::at(Path::new(journal::SOCKET))).flatten();
    match journal {
        Some(journal) => start(in_journal(&options.filter, journal)?),
        None => start(subscriber(options, io::stderr().is_terminal(), io::stderr)?),
    }
}

fn start(subscriber: impl Subscriber + Send + Sync) -> Result<(), String> {
    tracing::subscriber::set_global_default(subscriber).map_err(|_| "the log was started before".to_owned())
}

/// Whether standard error goes to journald, given the value of `JOURNAL_STREAM`: device and inode of the stream that
/// the manager connected (systemd.exec(5)). A redirected standard error has others.
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

/// The log of datagrams that `journal` takes.
fn in_journal(filter: &str, journal: Journal) -> Result<impl Subscriber + Send + Sync, String> {
    let layer = Layer::<Registry>::default().log_internal_errors(false).with_writer(journal).with_ansi(false);
    let line = Line { time: false, inner: format::format().without_time().with_level(false) };
    let layer = layer.fmt_fields(escaped_fields()).event_format(Datagram(line));
    Ok(tracing_subscriber::registry().with(layer).with(targets(filter)?))
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
    // What a library warns of is heard from whoever called it, with the record or source that it concerns.
    Ok(Targets::new().with_default(ours.min(LevelFilter::ERROR)).with_target(OURS, ours).with_targets(named))
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
#[must_use]
pub fn priority(level: Level) -> u8 {
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

/// Whether a character does something instead of showing something: control characters, line and paragraph separators,
/// and those that are invisible or turn the direction of writing.
fn acts(c: char) -> bool {
    let hidden = matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c.is_control() || hidden || matches!(c, '\u{2028}'..='\u{202e}')
}

#[cfg(test)]
mod tests;
