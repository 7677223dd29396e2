//! What people ask of the engine: by a signal, by a command, on the status page.

use super::{Ears, Engine};
use crate::model::desired::AccountName;
use crate::model::machine::{Event, Target};
use crate::model::name::Name;
use crate::os::signals::Signal;
use crate::report::control::{Answered, Released, Request};
use crate::report::status::Status;

impl Engine {
    pub(super) fn signalled(&mut self, signal: Signal, ears: &mut Ears) {
        match signal {
            Signal::Reload => {
                if let Err(why) = self.reload(ears) {
                    tracing::error!("the configuration in force is kept: {why}");
                }
            }
            Signal::Update => self.feed(Event::Update(Target::All)),
            Signal::Dump => {
                for line in self.status().lines() {
                    tracing::info!("{line}");
                }
            }
            Signal::Stop => {}
        }
    }

    /// Takes the configuration as it is now, all or nothing.
    fn reload(&mut self, ears: &mut Ears) -> Result<(), String> {
        let Some(rebuild) = &mut ears.rebuild else { return Err("this process cannot read it again".into()) };
        if let Some(manager) = &ears.manager {
            manager.reloading();
        }
        let parts = rebuild(&self.parts);
        let result = parts.map(|parts| {
            self.parts = parts;
            self.telling.declare(&self.parts.channels, self.clock.now());
            let desired = self.parts.tell();
            self.feed(Event::Reload(desired));
        });
        if let Some(manager) = &ears.manager {
            manager.ready();
        }
        result
    }

    /// Does what was asked, and says what came of it.
    pub(super) fn answer(&mut self, request: Request, ears: &mut Ears) -> Result<Answered, String> {
        match request {
            Request::Status => Ok(Answered::Status(Box::new(self.status()))),
            Request::Update { name } => {
                self.is_known(None, name.as_ref())?;
                self.feed(Event::Update(name.map_or(Target::All, Target::Name)));
                Ok(Answered::Done)
            }
            Request::Release { account, name } => {
                self.is_known(account.as_ref(), name.as_ref())?;
                let target = account.map(Target::Account).or(name.map(Target::Name)).unwrap_or(Target::All);
                let before = self.state.holds(&target);
                self.feed(Event::Release(target.clone()));
                Ok(Answered::Released(Released::since(before, &self.state, &target, self.clock.now())))
            }
            Request::ChannelWorks { name } => self.channel_works(&name).map(|()| Answered::Done),
            Request::Reload => self.reload(ears).map(|()| Answered::Done),
            Request::Health => Ok(Answered::Done),
            Request::Readiness => {
                let summary = Status::summary(&self.state, self.clock.now());
                Ok(Answered::Readiness { ready: self.rested, summary })
            }
            Request::Metrics(form) => {
                let tally = self.tally.as_ref().ok_or("nothing is counted without a status page")?;
                Ok(Answered::Metrics(tally.text(&self.state, &self.told(), self.clock.now(), form)))
            }
        }
    }

    fn is_known(&self, account: Option<&AccountName>, name: Option<&Name>) -> Result<(), String> {
        if let Some(account) = account.filter(|meant| !self.state.accounts().any(|(known, _)| known == *meant)) {
            return Err(format!("there is no account {account} in the configuration"));
        }
        match name.filter(|name| !self.state.has_name(name)) {
            Some(name) => Err(format!("{name} is not in the configuration")),
            None => Ok(()),
        }
    }

    /// How everything stands.
    pub(super) fn status(&self) -> Status {
        let page = self.page.as_ref().map(|page| page.borrow().clone());
        Status::of(&self.state, self.clock.now()).within(&self.around.found).telling(self.channels()).shown(page)
    }
}
