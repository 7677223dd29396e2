//! A socket that takes connections, opened wherever that is.

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};

use super::Listen;

/// The permissions of a socket at a path: this user and group, so that a web server of that group can be put before it.
const MODE: u32 = 0o660;

/// A connection.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A socket that takes connections.
pub struct Listener {
    kind: Kind,
    /// The path that is ours to remove.
    path: Option<PathBuf>,
}

enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Opens it. A socket at a path that a process left behind is replaced, what else is there is not.
    ///
    /// # Errors
    /// The address or path is taken or not allowed, or the service manager handed over no socket that listens.
    pub fn open(listen: &Listen) -> io::Result<Self> {
        match listen {
            Listen::Address(address) => {
                let listener = std::net::TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                Ok(Self { kind: Kind::Tcp(TcpListener::from_std(listener)?), path: None })
            }
            Listen::Path(path) => {
                remove(path)?;
                let listener = UnixListener::bind(path)?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE))?;
                Ok(Self { kind: Kind::Unix(listener), path: Some(path.clone()) })
            }
            Listen::Systemd => Ok(Self { kind: handed_over()?, path: None }),
        }
    }

    /// The next connection. Dropping the future loses none.
    ///
    /// # Errors
    /// That of the system, which may have no descriptor to spare.
    pub async fn accept(&self) -> io::Result<Box<dyn Duplex>> {
        Ok(match &self.kind {
            Kind::Tcp(listener) => Box::new(listener.accept().await?.0),
            Kind::Unix(listener) => Box::new(listener.accept().await?.0),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Left behind, it would only be replaced at the next start.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path),
        Ok(_) => Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something that is no socket")),
        Err(_) => Ok(()),
    }
}

/// The first socket of the service manager's.
fn handed_over() -> io::Result<Kind> {
    let mut sockets = listenfd::ListenFd::from_env();
    if sockets.len() == 0 {
        let why = "the service manager handed over no socket: is there a unit driftless.socket, and was it started?";
        return Err(io::Error::new(io::ErrorKind::NotFound, why));
    }
    if let Ok(Some(listener)) = sockets.take_unix_listener(0) {
        listener.set_nonblocking(true)?;
        return Ok(Kind::Unix(UnixListener::from_std(listener)?));
    }
    match sockets.take_tcp_listener(0)? {
        Some(listener) => {
            listener.set_nonblocking(true)?;
            Ok(Kind::Tcp(TcpListener::from_std(listener)?))
        }
        None => Err(io::Error::new(io::ErrorKind::NotFound, "the service manager handed over no socket")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_a_file_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let listener = Listener::open(&Listen::Path(path.clone())).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        let client = std::os::unix::net::UnixStream::connect(&path).unwrap();
        listener.accept().await.unwrap();
        drop((client, listener));
        assert!(!path.exists());
        std::fs::write(&path, "mine").unwrap();
        assert!(Listener::open(&Listen::Path(path.clone())).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
}
