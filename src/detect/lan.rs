//! Other machines of the LAN: what their detectors have in common, so that a thousand of them cost one look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lease::{Lease, LeaseFile};
use super::neighbour::{Neighbours, Table};
use crate::model::mac::Mac;

/// Lease files and the neighbour table, and who is looked for in it.
#[derive(Clone, Default)]
pub struct Lan {
    leases: BTreeMap<PathBuf, Arc<LeaseFile>>,
    table: Arc<Table>,
    followed: BTreeSet<Mac>,
}

impl Lan {
    /// The same LAN for another configuration, which follows nobody yet.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self { followed: BTreeSet::new(), ..self.clone() }
    }

    /// The machines whose neighbour entries are looked for: the kernel's word on them is worth a look.
    #[must_use]
    pub fn followed(&self) -> &BTreeSet<Mac> {
        &self.followed
    }

    /// A detector of the neighbour with this MAC address.
    pub fn neighbour(&mut self, mac: Mac) -> Neighbours {
        self.followed.insert(mac);
        Neighbours::new(Arc::clone(&self.table), mac)
    }

    /// A detector of the lease of a host in a file.
    pub fn lease(&mut self, path: &Path, host: &str) -> Lease {
        let file = self.leases.entry(path.to_owned()).or_insert_with(|| Arc::new(LeaseFile::new(path.to_owned())));
        Lease::new(Arc::clone(file), host)
    }
}
