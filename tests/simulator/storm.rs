//! What happens in a storm: one mischief after the other, at random.

use driftless::model::desired::Id;
use driftless::model::json::Json;
use driftless::model::machine::{Event, Network as Moved, Target};
use driftless::model::record::Family;
use serde_json::json;

use super::faults::Fault;
use super::network::{Addresses, Manner, like_ours, of_device, of_stranger};
use super::process::Disk;
use super::setup::{NEED, Shape};
use super::sim::{Action, DAY, HOUR, MINUTE, Phase, SECOND, Sim, Verdict};

impl Sim {
    /// One more thing happens, and the next is on its way: often at once, mostly hours later.
    pub fn mischief(&mut self) -> Verdict {
        if self.phase != Phase::Storm {
            return Ok(());
        }
        let next = match self.rng.u8(..8) {
            0 => self.rng.u64(..3 * SECOND),
            1 => self.rng.u64(..MINUTE),
            2 => self.rng.u64(..10 * MINUTE),
            _ => self.rng.u64(..6 * HOUR),
        };
        self.after(next, Action::Mischief);
        match self.rng.u8(..24) {
            0..4 => {
                let family = Family::ALL[self.rng.usize(..2)];
                self.change_address(family);
            }
            4..7 => self.trouble_a_detector(),
            7..12 => self.trouble_a_service(),
            12 => self.edit_behind_our_back(),
            13 => self.edit_behind_our_back(),
            14 => self.end_by_force()?,
            15 => self.trouble_the_clock(),
            16 => {
                self.fault(Fault::DiskUnwritable);
                self.disk.broken = true;
                let lasts = self.rng.u64(SECOND..DAY);
                self.after(lasts, Action::DiskBack);
            }
            17 => return self.replace_the_configuration(),
            18 => self.replace_a_secret(),
            19 => return self.command(),
            20 => self.network_event(),
            21 => self.renumber_again_and_again(),
            22 => self.turn_the_vpn(),
            _ => self.mend_something(),
        }
        Ok(())
    }

    /// Another address for the device, or none.
    pub fn new_addresses(&mut self, family: Family) {
        let mut addresses = Addresses::from([of_device(family, self.rng.u8(1..6))]);
        if family == Family::Ipv6 && self.rng.u8(..4) == 0 {
            addresses.insert(of_device(family, self.rng.u8(1..6)));
        }
        self.assign(family, addresses);
    }

    pub fn assign(&mut self, family: Family, addresses: Addresses) {
        if *self.network.now(family) == addresses {
            return;
        }
        self.note(|| format!("** {family} is now {addresses:?}"));
        let unseen = self.t - self.latest_news();
        self.network.assign(family, addresses, self.t, unseen);
        self.oracle.changed(family);
        self.tell_of_the_network(false);
    }

    pub fn change_address(&mut self, family: Family) {
        let before = self.network.now(family).clone();
        let storm = self.phase == Phase::Storm;
        match self.rng.u8(..6) {
            0 if !before.is_empty() => {
                if storm {
                    self.fault(Fault::AddressVanishes);
                }
                self.assign(family, Addresses::new());
            }
            1 if storm => {
                self.fault(Fault::AddressFlaps);
                self.new_addresses(family);
                let mut at = 0;
                for _ in 0..self.rng.u8(1..5) {
                    at += self.rng.u64(..20 * SECOND);
                    let flap = Addresses::from([of_device(family, self.rng.u8(1..4))]);
                    self.after(at, Action::ChangeBack(family, flap));
                }
                at += self.rng.u64(..MINUTE);
                self.after(at, Action::ChangeBack(family, before));
            }
            _ => self.new_addresses(family),
        }
    }

    /// A provider of internet access that hands out addresses faster than anyone can publish them.
    fn renumber_again_and_again(&mut self) {
        self.fault(Fault::RenumberingStorm);
        let mut at = 0;
        for _ in 0..self.rng.u8(5..20) {
            at += self.rng.u64(..6 * SECOND);
            self.after(at, Action::Change);
        }
    }

    /// The kernel tells the process of the network, or does not.
    fn tell_of_the_network(&mut self, vanished: bool) {
        let moved = if vanished { Moved::RouteVanished } else { Moved::Changed };
        let soon = self.rng.u64(1..500);
        if self.phase != Phase::Storm {
            self.after(soon, Action::Look(moved));
            return;
        }
        match self.rng.u8(..8) {
            0 => self.fault(Fault::EventLost),
            1 => {
                self.fault(Fault::EventDoubled);
                self.after(soon, Action::Look(moved));
                let again = soon + self.rng.u64(..2000);
                self.after(again, Action::Look(moved));
            }
            2 => {
                self.fault(Fault::EventLate);
                let late = self.rng.u64(..30 * MINUTE);
                self.after(late, Action::Look(moved));
            }
            _ => self.after(soon, Action::Look(moved)),
        }
    }

    /// A VPN comes up, by which everything leaves, or goes down.
    pub fn turn_the_vpn(&mut self) {
        self.network.vpn = !self.network.vpn;
        self.fault(if self.network.vpn { Fault::VpnUp } else { Fault::VpnDown });
        self.oracle.stir();
        self.tell_of_the_network(false);
    }

    fn network_event(&mut self) {
        let vanished = self.rng.bool();
        self.fault(if vanished { Fault::RouteVanishes } else { Fault::EventDoubled });
        self.oracle.stir();
        self.tell_of_the_network(vanished);
    }

    fn trouble_a_detector(&mut self) {
        let who = self.rng.usize(..self.network.manners.len());
        let may_lie = self.network.may_lie(who, NEED);
        let (manner, fault) = match self.rng.u8(..8) {
            0 if may_lie && self.network.is_alone(who) => (Manner::Lies(self.rng.u8(..4)), Fault::SingleLies),
            0 if may_lie => (Manner::Lies(self.rng.u8(..4)), Fault::DetectorLies),
            1 | 2 if may_lie => {
                self.fault(Fault::OperatorLies);
                let lie = Manner::Lies(self.rng.u8(..4));
                for service in self.network.services_beside(who) {
                    self.network.manners[service] = lie.clone();
                }
                return;
            }
            5 if may_lie => (Manner::SaysNone, Fault::DetectorSaysNone),
            6 if may_lie => (Manner::Fickle, Fault::DetectorFickle),
            3 => (Manner::Flaps, Fault::DetectorFlaps),
            4 => (Manner::Slow, Fault::DetectorSlow),
            _ => (Manner::Blind, Fault::DetectorBlind),
        };
        self.fault(fault);
        self.network.manners[who] = manner;
    }

    fn trouble_a_service(&mut self) {
        let at = self.rng.usize(..self.services.len());
        let keys: Vec<_> = self.services[at].sets.keys().cloned().collect();
        let Some(key) = keys.get(self.rng.usize(..keys.len().max(1))).cloned() else { return };
        let id = Id { account: self.services[at].declared.name.clone(), key: key.clone() };
        let shape = self.services[at].declared.shape;
        let troubles = &mut self.services[at].troubles;
        let fault = match self.rng.u8(..15) {
            0 => {
                troubles.down = true;
                Fault::Outage
            }
            1 => {
                troubles.read_only = true;
                Fault::WriteOutage
            }
            2 => {
                troubles.refuses_agent = true;
                Fault::AgentRefused
            }
            3 => {
                troubles.forbidden.insert(key);
                Fault::Forbidden
            }
            4 | 5 => {
                troubles.poison.insert(key);
                Fault::BadRequest
            }
            6 => {
                troubles.no_effect.insert(key);
                self.oracle.without_effect(&id);
                Fault::NoEffect
            }
            7 if shape == Shape::Jobs => {
                troubles.jobs_hang = true;
                Fault::JobHangs
            }
            8 if shape == Shape::Jobs => {
                troubles.jobs_fail = true;
                Fault::JobFails
            }
            7 if shape == Shape::Pending => {
                troubles.pending_forever = true;
                Fault::PendingForever
            }
            8 if shape == Shape::Pending => {
                troubles.breaks = true;
                Fault::HealthBroken
            }
            7..=9 if shape == Shape::Push => {
                self.services[at].blocked.insert(key.name);
                Fault::AbuseBlock
            }
            10 if shape != Shape::Push => {
                troubles.reads_lag = true;
                Fault::ReadsLag
            }
            11 => {
                self.services[at].shortest_ttl = 3600;
                Fault::ClampedTtl
            }
            12 | 13 => {
                troubles.dns = true;
                Fault::DnsLags
            }
            _ => {
                self.services[at].secret_is_right = false;
                Fault::BadAuth
            }
        };
        self.fault(fault);
    }

    /// Most troubles pass before the storm does.
    fn mend_something(&mut self) {
        if self.rng.bool() {
            let who = self.rng.usize(..self.network.manners.len());
            self.network.manners[who] = Manner::Honest;
        }
        let at = self.rng.usize(..self.services.len());
        let (t, secret) = (self.t, self.services[at].secret_is_right);
        self.services[at].heal(t);
        if !secret && self.rng.bool() {
            self.services[at].secret_is_right = true;
        }
        self.oracle.stir();
        self.note(|| "-- something is mended".into());
    }

    fn edit_behind_our_back(&mut self) {
        let (ids, t) = (self.setup.records.clone(), self.t);
        let Some((id, ..)) = ids.get(self.rng.usize(..ids.len())) else { return };
        let Some(at) = self.service_of(&id.account) else { return };
        let rtype = id.key.rtype;
        let (n, kind) = (self.rng.u8(1..6), self.rng.u8(..6));
        let push = self.services[at].declared.shape == Shape::Push;
        let fault = match kind {
            0 | 1 if !push => Fault::ForeignAdds,
            2 => Fault::ForeignDeletes,
            _ => Fault::ForeignReplaces,
        };
        self.services[at].edit(&id.key, t, |set| match fault {
            Fault::ForeignAdds => set.values.extend([of_stranger(rtype, n)]),
            Fault::ForeignDeletes => set.values.clear(),
            // Somebody else's address, or one that was ours: a second machine with the same configuration.
            _ if kind % 2 == 0 => set.values = [like_ours(rtype, n)].into(),
            _ => set.values = [of_stranger(rtype, n)].into(),
        });
        self.oracle.edited(id);
        self.fault(fault);
    }

    fn end_by_force(&mut self) -> Verdict {
        match self.rng.u8(..6) {
            0 => {
                self.fault(Fault::Stop);
                if self.is_listening() {
                    return self.stop();
                }
            }
            1 => {
                let most = if self.rng.u8(..10) == 0 { 300 } else { 20 };
                self.crash_loop = self.rng.u32(..most);
                self.crash_in = Some(self.rng.u32(1..40));
            }
            2 if self.process.is_some() => self.crash(false),
            _ => self.crash_in = Some(self.rng.u32(1..40)),
        }
        Ok(())
    }

    fn trouble_the_clock(&mut self) {
        match self.rng.u8(..3) {
            0 => {
                let long = self.rng.u64(MINUTE..2 * DAY);
                if self.t < self.frozen_until {
                    return;
                }
                self.fault(Fault::Suspend);
                self.frozen_until = self.t + long;
                self.slept = (self.frozen_until, long);
                if self.rng.bool() {
                    self.at(self.frozen_until + 1, Action::Look(Moved::Changed));
                }
            }
            _ => {
                self.fault(Fault::ClockJump);
                self.wall_off = match self.rng.u8(..5) {
                    0 => 0,
                    1 => -1_780_000_000,
                    2 => 1_500_000_000,
                    3 => -self.rng.i64(..100_000),
                    _ => self.rng.i64(..100_000),
                };
            }
        }
    }

    fn replace_the_configuration(&mut self) -> Verdict {
        if self.process.is_some() && !self.is_listening() {
            return Ok(());
        }
        let mut setup = self.setup.clone();
        for _ in 0..self.rng.u8(1..3) {
            setup.vary(&mut self.rng);
        }
        self.fault(Fault::Reload);
        self.oracle.stir();
        for ((id, was, declared), (_, is, still)) in self.setup.records.clone().into_iter().zip(&setup.records) {
            if was != *is {
                self.oracle.reconfigured(&id);
            }
            if declared && !*still {
                self.forget_record(&id);
                if let Some(process) = &mut self.process {
                    process.blind.remove(&id);
                }
            }
        }
        let accounts = self.setup.desired().accounts;
        let still = setup.desired().accounts;
        for gone in accounts.keys().filter(|name| !still.contains_key(*name)) {
            self.oracle.forget_account(gone);
        }
        self.setup = setup;
        // A process that is not there reads it when it starts.
        self.feed(Event::Reload(self.setup.desired()))
    }

    fn replace_a_secret(&mut self) {
        let at = self.rng.usize(..self.services.len());
        let service = &mut self.services[at];
        service.secret += 1;
        service.secret_is_right = self.rng.u8(..3) != 0;
        let fault = if service.secret_is_right { Fault::SecretRotated } else { Fault::SecretWrong };
        let name = service.declared.name.clone();
        self.oracle.rotated(&name);
        self.fault(fault);
    }

    fn command(&mut self) -> Verdict {
        if !self.is_listening() {
            return Ok(());
        }
        let (id, ..) = self.setup.records[self.rng.usize(..self.setup.records.len())].clone();
        let target = match self.rng.u8(..3) {
            0 => Target::All,
            1 => Target::Name(id.key.name),
            _ => Target::Account(id.account),
        };
        if self.rng.bool() {
            self.fault(Fault::CommandUpdate);
            self.oracle.stir();
            return self.feed(Event::Update(target));
        }
        self.fault(Fault::CommandRelease);
        self.oracle.release(&target);
        self.feed(Event::Release(target))
    }

    /// Between two processes: the machine may be started anew, the clock may be unset, the state may suffer.
    pub fn while_down(&mut self) {
        self.oracle.stir();
        if self.rng.u8(..3) != 0 {
            self.fault(Fault::SameBoot);
        } else {
            self.fault(Fault::NewBoot);
            self.boot += 1;
            self.booted_at = self.t;
            self.oracle.reboot();
            if self.rng.u8(..4) == 0 {
                self.fault(Fault::ClockUnset);
                self.wall_off = -1_780_000_000;
            } else if self.rng.bool() {
                self.wall_off = 0;
            }
        }
        let fault = match self.rng.u8(..16) {
            0 => Fault::StateLost,
            1 => Fault::StateCorrupt,
            2 => Fault::StateOld,
            _ => return,
        };
        self.fault(fault);
        self.forget();
        match fault {
            Fault::StateLost => self.disk.durable.clear(),
            Fault::StateOld => self.disk.durable.clone_from(&self.disk.old),
            _ => {
                for document in self.disk.durable.values_mut() {
                    match self.rng.u8(..3) {
                        0 => *document = Json::of(&json!({"as_of": 3, "id": "no"})),
                        1 => *document = None,
                        _ => {}
                    }
                }
            }
        }
        let Disk { old, durable, .. } = &mut self.disk;
        old.clone_from(durable);
    }
}
