//! What Rackspace's documents leave open, and where recordings contradict them.

/// What ids look like (the release note of 21 September 2021 has all of these).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Those of today: UUIDs.
    Uuid,
    /// Those of before the migration, as they are since: numbers in texts, and `A-123456`.
    Migrated,
    /// Those of before: a domain's is a number, a record's `A-123456`.
    Old,
}

/// How a record that is there already, or stands beside a CNAME, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    /// The job ends in an error 400, as recorded.
    Job400,
    /// The job ends in an error 409, as documented for domains.
    Job409,
    /// The request is answered with 409.
    AtOnce,
}

/// How a limit of calls says when to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverLimit {
    /// By `Retry-After` as a date, and by `retryAfter` in the body: what the gateway does.
    Gateway,
    /// By `Retry-After` in seconds alone.
    Seconds,
    /// By `Retry-After` as a date alone.
    Date,
    /// By `retryAfter` in the body alone.
    Body,
    /// By `retryAt` in the body alone.
    RetryAt,
    /// By `Reply-After`, as the guide has it.
    ReplyAfter,
    /// Not at all.
    Silent,
}

/// The body of a 401 from the DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unauthorized {
    /// The documented fault.
    Fault,
    /// Wrapped, as the identity service's.
    Wrapped,
    /// Nothing.
    Empty,
}

/// Whether the user has a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mfa {
    Off,
    /// A passcode is asked for: 401.
    On,
    /// It must be set up first: 403.
    NotSetUp,
}

/// The user's role (the page on role-based access control).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Admin,
    Creator,
    Observer,
}

/// What can be one way or another.
#[derive(Clone, Debug)]
pub struct Switches {
    pub ids: Ids,
    pub duplicates: Duplicates,
    pub over_limit: OverLimit,
    pub unauthorized: Unauthorized,
    pub mfa: Mfa,
    pub role: Role,
    /// What the role does not allow is answered with 401 instead of 403.
    pub forbidden_401: bool,
    /// The user is disabled.
    pub user_disabled: bool,
    /// A login is answered with 203.
    pub login_203: bool,
    /// The time at which a token expires has an offset of -06:00.
    pub expires_with_offset: bool,
    /// The catalog has no DNS.
    pub no_dns_in_catalog: bool,
    /// The lowest TTL; a lower one is refused.
    pub lowest_ttl: u64,
    /// A change without a TTL sets the domain's, as documented, instead of leaving what is there.
    pub change_resets_ttl: bool,
    /// A change to another name is refused, instead of leaving the name as it is; no name is the domain's, as documented.
    pub renaming_refused: bool,
    /// What is wrong in a body is found by the job.
    pub validation_in_job: bool,
    /// That a record is not there is found by the job.
    pub missing_in_job: bool,
    /// A running job's status is answered with 202, as documented, instead of 200.
    pub running_202: bool,
    /// The first answer says INITIALIZED.
    pub initialized: bool,
    /// The first answer has the basic attributes only.
    pub brief_202: bool,
    /// `callbackUrl` leads elsewhere and has its query already, as in the guide.
    pub foreign_callbacks: bool,
    /// Lists of some of the records have `totalEntries` too.
    pub filtered_total: bool,
    /// `totalEntries` of domains by name counts all domains, as in the reference.
    pub total_of_all: bool,
    /// Links have no `content`.
    pub links_without_content: bool,
    /// Records with an underscore are not found by name, as documented.
    pub underscores_unfound: bool,
    /// Records are found by their data; 503 otherwise, as seen.
    pub data_found: bool,
    /// IPv6 addresses are listed with all their zeros.
    pub long_ipv6: bool,
    /// Quotes and backslashes are taken out of TXT records.
    pub txt_stripped: bool,
    /// A new domain has the records of the two name servers.
    pub ns_records: bool,
    /// A second or minute begins with the first request in it, instead of sliding.
    pub fixed_windows: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            ids: Ids::Uuid,
            duplicates: Duplicates::Job400,
            over_limit: OverLimit::Gateway,
            unauthorized: Unauthorized::Fault,
            mfa: Mfa::Off,
            role: Role::Admin,
            forbidden_401: false,
            user_disabled: false,
            login_203: false,
            expires_with_offset: false,
            no_dns_in_catalog: false,
            lowest_ttl: 300,
            change_resets_ttl: true,
            renaming_refused: false,
            validation_in_job: false,
            missing_in_job: false,
            running_202: false,
            initialized: false,
            brief_202: false,
            foreign_callbacks: false,
            filtered_total: false,
            total_of_all: false,
            links_without_content: false,
            underscores_unfound: false,
            data_found: false,
            long_ipv6: false,
            txt_stripped: true,
            ns_records: true,
            fixed_windows: false,
        }
    }
}

/// A name, and what it switches.
type Named = (&'static str, fn(&mut Switches));

/// The names under which switches can be typed, each with what it does.
pub const NAMED: &[Named] = &[
    ("migrated-ids", |switches| switches.ids = Ids::Migrated),
    ("old-ids", |switches| switches.ids = Ids::Old),
    ("duplicates-409", |switches| switches.duplicates = Duplicates::Job409),
    ("duplicates-at-once", |switches| switches.duplicates = Duplicates::AtOnce),
    ("over-limit-seconds", |switches| switches.over_limit = OverLimit::Seconds),
    ("over-limit-date", |switches| switches.over_limit = OverLimit::Date),
    ("over-limit-body", |switches| switches.over_limit = OverLimit::Body),
    ("over-limit-retry-at", |switches| switches.over_limit = OverLimit::RetryAt),
    ("over-limit-reply-after", |switches| switches.over_limit = OverLimit::ReplyAfter),
    ("over-limit-silent", |switches| switches.over_limit = OverLimit::Silent),
    ("unauthorized-wrapped", |switches| switches.unauthorized = Unauthorized::Wrapped),
    ("unauthorized-empty", |switches| switches.unauthorized = Unauthorized::Empty),
    ("mfa", |switches| switches.mfa = Mfa::On),
    ("mfa-not-set-up", |switches| switches.mfa = Mfa::NotSetUp),
    ("creator", |switches| switches.role = Role::Creator),
    ("observer", |switches| switches.role = Role::Observer),
    ("forbidden-401", |switches| switches.forbidden_401 = true),
    ("user-disabled", |switches| switches.user_disabled = true),
    ("login-203", |switches| switches.login_203 = true),
    ("expires-with-offset", |switches| switches.expires_with_offset = true),
    ("no-dns-in-catalog", |switches| switches.no_dns_in_catalog = true),
    ("ttl-600", |switches| switches.lowest_ttl = 600),
    ("change-keeps-ttl", |switches| switches.change_resets_ttl = false),
    ("renaming-refused", |switches| switches.renaming_refused = true),
    ("validation-in-job", |switches| switches.validation_in_job = true),
    ("missing-in-job", |switches| switches.missing_in_job = true),
    ("running-202", |switches| switches.running_202 = true),
    ("initialized", |switches| switches.initialized = true),
    ("brief-202", |switches| switches.brief_202 = true),
    ("foreign-callbacks", |switches| switches.foreign_callbacks = true),
    ("filtered-total", |switches| switches.filtered_total = true),
    ("total-of-all", |switches| switches.total_of_all = true),
    ("links-without-content", |switches| switches.links_without_content = true),
    ("underscores-unfound", |switches| switches.underscores_unfound = true),
    ("data-found", |switches| switches.data_found = true),
    ("long-ipv6", |switches| switches.long_ipv6 = true),
    ("txt-as-sent", |switches| switches.txt_stripped = false),
    ("no-ns-records", |switches| switches.ns_records = false),
    ("fixed-windows", |switches| switches.fixed_windows = true),
];
