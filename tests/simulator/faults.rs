//! The kinds of fault, each counted: a fault that never happens tests nothing.

macro_rules! faults {
    ($($variant:ident = $words:literal),+ $(,)?) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $(#[doc = $words] $variant,)+
        }

        impl Fault {
            /// Every kind, with its words.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $words)),+];
        }
    };
}

faults! {
    AbuseBlock = "push service blocks a name for abuse",
    AddressFlaps = "address flaps",
    AddressVanishes = "address vanishes",
    AgentRefused = "service refuses the client itself",
    BadAuth = "account's credentials refused",
    BadRequest = "record set refused as wrong (poison in its batch)",
    ClampedTtl = "service clamps the TTL",
    ClockJump = "wall clock jumps",
    ClockUnset = "wall clock unset at boot",
    CommandRelease = "release command at random",
    CommandUpdate = "update command at random",
    Crash = "crash between two effects",
    CrashLoop = "crash loop",
    DetectorBlind = "detector fails",
    DetectorFickle = "detector gives another answer each time",
    DetectorFlaps = "detector flaps",
    DetectorLies = "detector lies",
    DetectorSaysNone = "detector says none",
    DetectorSlow = "detector is slow",
    DiskUnwritable = "disk cannot be written",
    DnsLags = "name servers lag, disagree or are mute",
    EventDoubled = "network event doubled or without a cause",
    EventLate = "network event late",
    EventLost = "network event lost",
    Forbidden = "record set forbidden",
    ForeignAdds = "someone else adds a value",
    ForeignDeletes = "someone else deletes the record set",
    ForeignReplaces = "someone else replaces our value",
    HealthBroken = "accepted and broken at the service",
    JobFails = "job fails",
    JobHangs = "job never ends",
    LandsAfterCrash = "call in flight lands after the crash",
    LandsLate = "call lands after its time-out",
    LateWake = "process runs late",
    MachinesFight = "machines fight over a name",
    MachinesShare = "machines share a name",
    NewBoot = "restart in a new boot",
    NoEffect = "accepted without effect",
    OperatorLies = "services of one operator tell the same lie",
    Outage = "service is down",
    PartialBatch = "part of a batch fails",
    PendingForever = "accepted and pending without end",
    RateLimited = "rate limited",
    RateLimitedAbsurd = "rate limited for an absurd time",
    RateLimitedUnsaid = "rate limited without a time",
    ReadsLag = "reads show the old value for a while",
    Reload = "configuration replaced",
    RenumberingStorm = "renumbering storm",
    RouteVanishes = "default route vanishes",
    SecretRotated = "secret replaced",
    SecretWrong = "secret replaced by a wrong one",
    SameBoot = "restart in the same boot",
    SingleLies = "detector that is asked alone lies",
    Stale = "precondition failed",
    StateCorrupt = "state damaged",
    StateLost = "state lost",
    StateOld = "older generation of the state restored",
    Stop = "stop at random",
    Suspend = "suspended",
    TimeOut = "time-out, nothing done",
    TimeOutLanded = "time-out that succeeded",
    Transient = "passing failure",
    UplinkFlaps = "uplinks go, come and are renumbered again and again",
    UplinkMoves = "uplink gets another address or loses it",
    UplinkTurns = "uplink goes down or comes back",
    VpnDown = "VPN goes down",
    VpnUp = "VPN comes up",
    WriteOutage = "service reads but does not write",
}

/// How often each kind happened.
#[derive(Clone, Debug)]
pub struct Counts([u64; Fault::ALL.len()]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; Fault::ALL.len()])
    }
}

impl Counts {
    /// One more.
    pub fn count(&mut self, fault: Fault) {
        if let Some(count) = self.0.get_mut(fault as usize) {
            *count += 1;
        }
    }

    /// Adds what another run counted.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }

    /// Every kind with its words and its count.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Fault::ALL.iter().zip(self.0).map(|((_, words), count)| (*words, count))
    }
}
