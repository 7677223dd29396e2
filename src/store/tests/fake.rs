//! A disk in memory that remembers every state in which a crash may leave it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use super::super::*;

/// What a folder holds: names, and the bytes behind them.
pub type Image = BTreeMap<String, Vec<u8>>;

/// A change of names: this one gets these bytes, that one goes.
type Renaming = (Option<(String, Vec<u8>)>, Option<String>);

/// A disk as POSIX promises it and no better: of the names that were changed since the last flush of the folder any part may
/// be there after a crash, and of bytes that were not flushed any beginning.
#[derive(Default)]
pub struct Fake {
    /// What running processes see.
    pub now: Image,
    /// What is sure to be there after a crash.
    sure: Image,
    /// Changes of names since the last flush.
    unsure: Vec<Renaming>,
    prepared: Option<Vec<u8>>,
    /// Every folder that a crash may leave; only gathered where the test asks for it.
    pub images: BTreeSet<Image>,
    watched: bool,
    operations: usize,
    /// Operations that fail.
    pub failing: std::ops::Range<usize>,
    pub writes: usize,
}

impl Fake {
    /// Counts an operation; fails where it is to fail.
    fn operation(&mut self) -> io::Result<()> {
        self.operations += 1;
        if self.failing.contains(&(self.operations - 1)) {
            return Err(io::Error::new(ErrorKind::StorageFull, "no space left"));
        }
        self.writes += 1;
        Ok(())
    }

    /// Remembers every state that a crash may leave now.
    pub fn crash_points(&mut self) {
        if !self.watched {
            return;
        }
        for subset in 0..1_u32 << self.unsure.len() {
            let mut image = self.sure.clone();
            for (at, (link, unlink)) in self.unsure.iter().enumerate() {
                if subset & (1 << at) != 0 {
                    image.extend(link.clone());
                    unlink.as_ref().map(|name| image.remove(name));
                }
            }
            self.images.insert(image);
        }
        self.images.insert(self.now.clone());
    }

    fn flush(&mut self) {
        self.sure = self.now.clone();
        self.unsure.clear();
        self.crash_points();
    }
}

#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Fake>>);

impl Shared {
    pub fn holding(image: Image) -> Self {
        Self(Arc::new(Mutex::new(Fake { now: image.clone(), sure: image, ..Fake::default() })))
    }

    pub fn watched(self) -> Self {
        self.with(|fake| fake.watched = true);
        self
    }

    pub fn open(&self) -> (Store, Loaded) {
        Store::on(Box::new(self.clone()))
    }

    pub fn with<T>(&self, f: impl FnOnce(&mut Fake) -> T) -> T {
        f(&mut self.0.lock().unwrap())
    }
}

impl Disk for Shared {
    fn ready(&self) -> io::Result<()> {
        Ok(())
    }
    fn writable(&self) -> io::Result<()> {
        Ok(())
    }
    fn read(&self, file: &str) -> Content {
        self.with(|fake| fake.now.get(file).cloned()).map_or(Content::Missing, Content::Bytes)
    }
    fn append(&mut self, file: &str, bytes: &[u8]) -> io::Result<()> {
        self.with(|fake| {
            let old = fake.now.get(file).cloned().unwrap_or_default();
            for end in (0..=bytes.len()).filter(|_| fake.watched) {
                let torn = [&old, &bytes[..end]].concat();
                // After a crash the rest of the block may be there as zeros.
                let zeros = [&torn[..], &[0; 7]].concat();
                for bytes in [torn, zeros] {
                    fake.images
                        .insert(fake.now.clone().into_iter().chain([(file.to_owned(), bytes.clone())]).collect());
                    let mut sure = fake.sure.clone();
                    sure.insert(file.to_owned(), bytes);
                    fake.images.insert(sure);
                }
            }
            if let Err(error) = fake.operation() {
                // The worst case: a part stays, and it cannot be cut off again.
                let torn = [&old, &bytes[..bytes.len() / 2]].concat();
                fake.now.insert(file.to_owned(), torn.clone());
                fake.sure.insert(file.to_owned(), torn);
                return Err(error);
            }
            fake.now.insert(file.to_owned(), [&old, bytes].concat());
            if old.is_empty() {
                fake.flush();
            } else {
                fake.sure.insert(file.to_owned(), [&old, bytes].concat());
                fake.crash_points();
            }
            Ok(())
        })
    }
    fn prepare(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.with(|fake| {
            fake.operation()?;
            fake.prepared = Some(bytes.to_owned());
            Ok(())
        })
    }
    fn commit(&mut self) -> io::Result<()> {
        self.with(|fake| {
            fake.operation()?;
            let bytes = fake.prepared.take().unwrap();
            fake.now.insert(SNAPSHOT.into(), bytes.clone());
            fake.unsure.push((Some((SNAPSHOT.into(), bytes)), None));
            fake.crash_points();
            // The flush is an operation of its own: it may fail with the new name in place.
            fake.operation()?;
            fake.flush();
            Ok(())
        })
    }
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.with(|fake| {
            let Some(bytes) = fake.now.get(from).cloned() else { return Ok(()) };
            fake.operation()?;
            fake.now.remove(from);
            fake.now.insert(to.into(), bytes.clone());
            fake.unsure.push((Some((to.into(), bytes)), Some(from.into())));
            fake.crash_points();
            Ok(())
        })
    }
}
