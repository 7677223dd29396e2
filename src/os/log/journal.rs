//! The journal's own protocol: an event with its fields, so that `journalctl DRIFTLESS_RECORD=…` finds a record's.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use super::{Escaped, Line, OURS, priority};

/// Where journald takes datagrams (systemd-journald.service(8)).
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";
/// What the names of our own fields begin with.
const PREFIX: &str = "DRIFTLESS_";
/// What the first field of each datagram, the message, begins with.
const MESSAGE: &str = "MESSAGE=";
/// What the second field begins with.
const PRIORITY: &str = "PRIORITY=";

/// An event as a datagram of the protocol: a field a line, the message first. It says all that the line on standard error would, as
/// most people see the message alone.
pub(super) struct Datagram(pub(super) Line);

impl<S, N> FormatEvent<S, N> for Datagram
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        writer.write_str(MESSAGE)?;
        // It ends with a line break and has no other, as everything that could be one is escaped.
        self.0.format_event(ctx, writer.by_ref(), event)?;
        let metadata = event.metadata();
        writeln!(writer, "{PRIORITY}{}\nSYSLOG_IDENTIFIER={OURS}", priority(*metadata.level()))?;
        if metadata.target().starts_with(OURS) {
            event.record(&mut Fields(&mut writer));
        }
        Ok(())
    }
}

/// Writes the fields of an event but for its message.
struct Fields<'a, 'w>(&'a mut Writer<'w>);

impl Fields<'_, '_> {
    fn put(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if field.name() == "message" {
            return;
        }
        // A name with anything but letters, digits and underscores would have the whole datagram thrown away.
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name: String = field.name().chars().filter(|c| fits(*c)).map(|c| c.to_ascii_uppercase()).collect();
        // Into memory, which does not fail.
        let _ = write!(self.0, "{PREFIX}{name}=");
        let _ = Escaped(self.0).write_fmt(value);
        let _ = self.0.write_char('\n');
    }
}

impl Visit for Fields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format_args!("{value:?}"));
    }
}

/// Hands each event to journald, and to standard error what it does not take.
#[derive(Clone)]
pub(super) struct Journal {
    socket: Arc<UnixDatagram>,
    path: PathBuf,
}

impl Journal {
    /// The journald at `path`, where one is.
    pub(super) fn at(path: &Path) -> Option<Self> {
        let socket = UnixDatagram::unbound().ok()?;
        // A journald that hangs must not have the loop hang as well.
        socket.set_nonblocking(true).ok()?;
        path.exists().then(|| Self { socket: Arc::new(socket), path: path.to_owned() })
    }
}

impl<'a> MakeWriter<'a> for Journal {
    type Writer = &'a Journal;

    fn make_writer(&'a self) -> &'a Journal {
        self
    }
}

impl Write for &Journal {
    /// One event.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        // By its path each time: the socket is another one where journald's unit was made anew.
        if self.socket.send_to(event, &self.path).is_err() {
            // Full, gone, or larger than a datagram can be: systemd reads that, too, and nobody waits for ever.
            io::stderr().write_all(on_standard_error(event).as_bytes())?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line that stands for a datagram where it cannot be sent: the message with its priority in front (sd-daemon(3)).
fn on_standard_error(event: &[u8]) -> String {
    let text = String::from_utf8_lossy(event);
    let of = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    format!("<{}>{}\n", Some(of(PRIORITY)).filter(|word| !word.is_empty()).unwrap_or("6"), of(MESSAGE))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn what_journald_does_not_take_is_a_line_with_its_priority() {
        let event = b"MESSAGE=driftless: it is full PRIORITY=1\nPRIORITY=4\nSYSLOG_IDENTIFIER=driftless\n";
        assert_eq!(on_standard_error(event), "<4>driftless: it is full PRIORITY=1\n");
        assert_eq!(on_standard_error(b""), "<6>\n");
    }

    #[test]
    fn without_journald_there_is_none() {
        assert!(Journal::at(Path::new("/nonexistent/socket")).is_none());
    }

    #[test]
    fn levels_are_those_of_syslog() {
        let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
        assert_eq!(levels.map(priority), [3, 4, 6, 7, 7]);
    }
}
