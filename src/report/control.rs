//! The control socket: one JSON request a connection, from this user or root only, and one JSON answer.

use std::future::Future;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::model::desired::AccountName;
use crate::model::machine::standing::Pause;
use crate::model::machine::{State, Target};
use crate::model::name::Name;
use crate::model::time::Now;
use crate::report::metrics::Form;
use crate::report::status::Status;

/// The longest request, in octets.
const REQUEST: u64 = 4096;
/// The longest answer that a client takes, in octets: a status of some ten thousand record sets.
const ANSWER: u64 = 64 << 20;
/// How long one side waits for the other.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the socket rests when a connection cannot be taken.
const REST: Duration = Duration::from_millis(200);
/// How many connections are served together; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 8;

/// What can be asked of a running daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How everything stands.
    Status,
    /// Look now, at one name or at all.
    Update {
        /// The name.
        name: Option<Name>,
    },
    /// Let go of holds, of an account, of a name, or of all.
    Release {
        /// The account.
        account: Option<AccountName>,
        /// The name.
        name: Option<Name>,
    },
    /// A test by hand arrived at a channel: it need not be left alone.
    ChannelWorks {
        /// The channel.
        name: String,
    },
    /// Read the configuration again.
    Reload,
    /// Nothing but an answer: the loop goes on. From the status page only.
    #[serde(skip)]
    Health,
    /// Whether the first round is over. From the status page only.
    #[serde(skip)]
    Readiness,
    /// What was counted and how everything stands, in this form. From the status page only: it is counted for that alone.
    #[serde(skip)]
    Metrics(Form),
}

/// What a [`Request`] came to.
#[derive(Debug)]
pub enum Answered {
    /// It is done.
    Done,
    /// How everything stands.
    Status(Box<Status>),
    /// What became of a release.
    Released(Released),
    /// Whether the first round is over, and how many record sets stand how.
    Readiness {
        /// It is.
        ready: bool,
        /// In one line.
        summary: String,
    },
    /// A text for a machine that collects numbers.
    Metrics(String),
}

/// As the one value that an answer has at the socket.
impl Serialize for Answered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Done => serializer.serialize_bool(true),
            Self::Status(status) => status.serialize(serializer),
            Self::Released(released) => released.serialize(serializer),
            Self::Readiness { ready, .. } => serializer.serialize_bool(*ready),
            Self::Metrics(text) => serializer.serialize_str(text),
        }
    }
}

/// What became of a [`Request::Release`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// How many holds were let go.
    pub let_go: usize,
    /// Accounts of the name that are held themselves, and stay so.
    pub accounts: Vec<AccountName>,
    /// Record sets that a write budget, or their service, keeps from being sent at once.
    #[serde(default)]
    pub waits: Vec<Waits>,
}

/// A record set that waits for its write budget, or for the end of a pause that its service asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// Its name, type and account.
    pub record: String,
    /// Until when (RFC 3339).
    pub until: String,
    /// The service asked for it.
    #[serde(default)]
    pub asked: bool,
}

impl Released {
    /// What a release did, seen at `now`. So many of what it meant were held `before`.
    #[must_use]
    pub fn since(before: usize, state: &State, target: &Target, now: Now) -> Self {
        let accounts = if let Target::Name(name) = target { state.held_accounts_of(name) } else { Vec::new() };
        let let_go = before.saturating_sub(state.holds(target));
        let meant = state.views(now).filter(|view| target.means(view.id));
        let waits = meant.filter_map(|view| {
            let (pause, until) = view.pause?;
            let asked = pause == Pause::Asked;
            let waits = Waits { record: view.id.to_string(), until: now.wall_of(until).to_string(), asked };
            (asked || pause == Pause::Writes && let_go > 0).then_some(waits)
        });
        Self { let_go, accounts, waits: waits.collect() }
    }
}

/// What comes back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer<T> {
    Ok(T),
    Error(String),
}

type Step = Pin<Box<dyn Future<Output = Option<(Request, UnixStream)>> + Send>>;

/// The listening side.
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
    steps: FuturesUnordered<Step>,
    answers: mpsc::UnboundedReceiver<(UnixStream, Vec<u8>)>,
    sender: mpsc::UnboundedSender<(UnixStream, Vec<u8>)>,
}

/// Where the answer to one request goes.
pub struct Reply(Asker);

/// Who asked.
enum Asker {
    /// Another process, at the socket.
    Process(UnixStream, mpsc::UnboundedSender<(UnixStream, Vec<u8>)>),
    /// This one, for its status page.
    Page(oneshot::Sender<Result<Answered, String>>),
}

/// A request and where its answer goes.
pub type Asked = (Request, Reply);

impl Reply {
    /// One within this process, and where its answer comes out.
    #[must_use]
    pub fn within() -> (Self, oneshot::Receiver<Result<Answered, String>>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Asker::Page(sender)), receiver)
    }

    /// Answers. Who has gone away gets nothing.
    pub fn send(self, answer: Result<Answered, String>) {
        let (stream, sender) = match self.0 {
            Asker::Process(stream, sender) => (stream, sender),
            Asker::Page(sender) => {
                let _ = sender.send(answer);
                return;
            }
        };
        let answer = match answer {
            Ok(value) => Answer::Ok(value),
            Err(why) => Answer::Error(why),
        };
        let mut line = serde_json::to_vec(&answer).unwrap_or_default();
        line.push(b'\n');
        let _ = sender.send((stream, line));
    }
}

impl Control {
    /// Listens at `path`, which only this user and root can reach. A socket left behind by a process that is gone is replaced:
    /// the caller holds the lock of the state folder, so nobody else listens there.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let listener = listen(path)?;
        let (sender, answers) = mpsc::unbounded_channel();
        Ok(Self { listener, path: path.to_owned(), steps: FuturesUnordered::new(), answers, sender })
    }

    /// Listens anew where the socket was removed, with the folder that it was in.
    ///
    /// # Errors
    /// As [`Control::bind`].
    pub fn listen_again(&mut self) -> io::Result<()> {
        if !self.path.exists() {
            let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", self.path.display()));
            self.listener = listen(&self.path).map_err(named)?;
        }
        Ok(())
    }

    /// The next request. Dropping the future loses none.
    pub async fn next(&mut self) -> Asked {
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if self.steps.len() < CONNECTIONS => {
                    match accepted {
                        Ok((stream, _)) => self.steps.push(Box::pin(hear(stream))),
                        // Without a descriptor to spare it fails again at once, as long as the client waits.
                        Err(_) => {
                            let _ = timeout(REST, std::future::pending::<()>()).await;
                        }
                    }
                }
                Some((stream, line)) = self.answers.recv() => {
                    self.steps.push(Box::pin(answer(stream, line)));
                }
                Some(heard) = self.steps.next() => {
                    if let Some((request, stream)) = heard {
                        return (request, Reply(Asker::Process(stream, self.sender.clone())));
                    }
                }
            }
        }
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

impl Drop for Control {
    fn drop(&mut self) {
        // Left behind, it would only be replaced at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Reads the request of a connection; what is no request is told so.
async fn hear(mut stream: UnixStream) -> Option<(Request, UnixStream)> {
    let me = rustix::process::geteuid().as_raw();
    let peer = stream.peer_cred().ok()?.uid();
    let mut line = String::new();
    let read = timeout(PATIENCE, BufReader::new(&mut stream).take(REQUEST).read_line(&mut line)).await;
    let refused = if peer != me && peer != 0 {
        "only the daemon's own user and root may ask".to_owned()
    } else {
        match (read, serde_json::from_str(&line)) {
            (Ok(Ok(_)), Ok(request)) => return Some((request, stream)),
            (Ok(Ok(_)), Err(error)) => format!("the request was not understood: {error}"),
            _ => return None,
        }
    };
    let line = serde_json::to_vec(&Answer::<()>::Error(refused)).unwrap_or_default();
    answer(stream, line).await
}

async fn answer(mut stream: UnixStream, line: Vec<u8>) -> Option<(Request, UnixStream)> {
    // Nothing is left to do for who does not listen.
    let _ = timeout(PATIENCE, stream.write_all(&line)).await;
    None
}

/// Why a daemon did not answer.
#[derive(Debug)]
pub enum Unanswered {
    /// None listens at the socket.
    NotRunning,
    /// The permissions keep this user from the socket.
    Forbidden,
    /// It does not speak, and why: it ends just now, or something is wrong with it.
    Silent(String),
    /// It refused or failed, and why.
    Refused(String),
}

/// Asks the daemon that listens at `path`.
///
/// # Errors
/// When none listens there, this user may not ask, or it refuses.
pub async fn ask(path: &Path, request: &Request) -> Result<Value, Unanswered> {
    let silent = |error: &dyn std::fmt::Display| {
        Unanswered::Silent(format!("the daemon at {} does not answer, or ends just now: {error}", path.display()))
    };
    let mut stream = match UnixStream::connect(path).await {
        Ok(stream) => stream,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(Unanswered::Forbidden),
        Err(_) => return Err(Unanswered::NotRunning),
    };
    let exchange = async {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut text = Vec::new();
        (&mut stream).take(ANSWER).read_to_end(&mut text).await?;
        io::Result::Ok(text)
    };
    let text = timeout(PATIENCE, exchange).await.map_err(|_| silent(&"no answer within 5 s"))?;
    match serde_json::from_slice(&text.map_err(|error| silent(&error))?) {
        Ok(Answer::Ok(value)) => Ok(value),
        Ok(Answer::Error(why)) => Err(Unanswered::Refused(why)),
        Err(error) => Err(silent(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_is_answered_and_nonsense_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        assert!(matches!(ask(&path, &Request::Status).await, Err(Unanswered::NotRunning)));
        let mut control = Control::bind(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let client = async {
            let mut nonsense = UnixStream::connect(&path).await.unwrap();
            nonsense.write_all(b"{\"request\":\"format_disk\"}\n").await.unwrap();
            let mut text = String::new();
            nonsense.read_to_string(&mut text).await.unwrap();
            assert!(text.contains("not understood"), "{text}");
            ask(&path, &Request::Update { name: Some("home.example.org".parse().unwrap()) }).await
        };
        let server = async {
            let (request, reply) = control.next().await;
            reply.send(Ok(Answered::Metrics(format!("{request:?}"))));
            let _ = timeout(Duration::from_secs(60), control.next()).await;
        };
        let answer = tokio::select! { answer = client => answer, () = server => panic!("the client did not end") };
        assert!(answer.unwrap().as_str().unwrap().contains("home.example.org"));
        drop(control);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_socket_that_was_removed_is_made_anew_and_one_that_stands_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let mut control = Control::bind(&path).unwrap();
        for removed in [false, true] {
            if removed {
                std::fs::remove_file(&path).unwrap();
            }
            control.listen_again().unwrap();
            let served = async {
                let (_, reply) = control.next().await;
                reply.send(Ok(Answered::Done));
                let _ = timeout(Duration::from_millis(200), control.next()).await;
            };
            let (answer, ()) = futures_util::future::join(ask(&path, &Request::Status), served).await;
            assert_eq!(answer.unwrap(), Value::Bool(true), "removed: {removed}");
        }
    }
}
