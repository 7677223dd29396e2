//! Rackspace's identity service, v2.0: logins with an API key, tokens that expire, and the catalog.

use serde_json::{Map, Value, json};

use super::super::http::Received;
use super::checks::{check_transport, known_fields, object, text};
use super::faults::Refusal;
use super::{Mfa, Outcome, Region, State, Unauthorized};

/// The identity service wraps its faults in their names.
fn refusal(status: u16, name: &str, message: &str) -> Refusal {
    Refusal::with_body(status, json!({ name: { "code": status, "message": message } }))
}

fn violation(why: &str) -> Refusal {
    Refusal { violation: Some(why.into()), ..refusal(400, "badRequest", why) }
}

impl State {
    pub(super) fn log_in(&mut self, request: &Received, region: Region) -> Outcome {
        let wrapped = |refused: Refusal| violation(refused.violation.as_deref().unwrap_or("bad request"));
        if request.method != "POST" || request.query.is_some() {
            return Err(Refusal { status: 405, ..violation("a token is asked for by POST, without a query") });
        }
        check_transport(request).map_err(wrapped)?;
        self.count_login()?;
        let (username, api_key) = credentials(request).map_err(wrapped)?;
        if (username.as_str(), api_key.as_str(), region) != (&*self.username, &*self.api_key, self.region) {
            return Err(refusal(401, "unauthorized", "Username or api key is invalid."));
        }
        if self.switches.user_disabled {
            return Err(refusal(403, "userDisabled", "User is disabled."));
        }
        match self.switches.mfa {
            Mfa::Off => {}
            Mfa::On => {
                let session = "OS-MF sessionId='APU9ymNjSKJG21HVdiRdOg0rk2fqh7uQ', factor='PASSCODE'";
                let refused = refusal(401, "unauthorized", "Additional authentication credentials required");
                return Err(Refusal { headers: vec![("WWW-Authenticate", session.into())], ..refused });
            }
            Mfa::NotSetUp => return Err(refusal(403, "forbidden", "User must set up multi-factor.")),
        }
        let host = request.header("host").unwrap_or("127.0.0.1");
        let status = if self.switches.login_203 { 203 } else { 200 };
        Ok((status, self.access(&format!("http://{host}{}/v1.0/{}", region.prefix(), self.account))))
    }

    /// A new token with all that comes with it.
    fn access(&mut self, dns: &str) -> Value {
        self.last_id += 1;
        let id = format!("d74f592f986e4d6e995853cc{:08x}", self.last_id);
        self.tokens.insert(id.clone(), self.now() + self.token_life);
        let (_, expires) = self.callers_time(self.token_life);
        let expires = match self.switches.expires_with_offset {
            false => expires.strftime("%Y-%m-%dT%H:%M:%S.637Z").to_string(),
            true => {
                let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(-6));
                expires.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S.637%:z").to_string()
            }
        };
        let account = self.account.clone();
        let mut catalog = vec![
            json!({ "name": "cloudBlockStorage", "type": "volume", "endpoints": [
                { "region": "DFW", "tenantId": account, "publicURL": format!("https://dfw.blockstorage.invalid/v1/{account}") },
            ] }),
            json!({ "name": "cloudMonitoring", "type": "rax:monitor", "endpoints": [
                { "tenantId": account, "publicURL": format!("https://monitoring.invalid/v1.0/{account}") },
            ] }),
        ];
        if !self.switches.no_dns_in_catalog {
            let endpoints = json!([{ "tenantId": account, "publicURL": dns }]);
            catalog.push(json!({ "name": "cloudDNS", "type": "rax:dns", "endpoints": endpoints }));
        }
        json!({ "access": {
            "token": {
                "id": id, "expires": expires, "tenant": { "id": account, "name": account },
                "RAX-AUTH:authenticatedBy": ["APIKEY"],
            },
            "serviceCatalog": catalog,
            "user": {
                "id": "172157", "name": self.username, "RAX-AUTH:defaultRegion": "DFW",
                "roles": [{ "id": "3", "name": "identity:user-admin", "description": "User Admin Role." }],
            },
        } })
    }

    /// Whether the token is one of this account's, and good.
    pub(super) fn authorize(&self, request: &Received, region: Region, account: &str) -> Result<(), Refusal> {
        let refused = |violation: Option<&str>| {
            let body = match self.switches.unauthorized {
                Unauthorized::Fault => Refusal::fault("unauthorized", "No valid token provided.").body,
                Unauthorized::Wrapped => {
                    json!({ "unauthorized": { "code": 401, "message": "No valid token provided." } })
                }
                Unauthorized::Empty => Value::Null,
            };
            Refusal { violation: violation.map(str::to_owned), ..Refusal::with_body(401, body) }
        };
        let token = request.header("x-auth-token").ok_or_else(|| refused(Some("there is no X-Auth-Token")))?;
        if account != self.account || region != self.region {
            return Err(refused(Some("this is not the catalog's URL")));
        }
        match self.tokens.get(token) {
            Some(expiry) if self.now() < *expiry => Ok(()),
            _ => Err(refused(None)),
        }
    }
}

/// The user's name and the API key. A tenant may be named beside them, by its id or by its name.
fn credentials(request: &Received) -> Result<(String, String), Refusal> {
    const KEY: &str = "RAX-KSKEY:apiKeyCredentials";
    let body: Map<String, Value> =
        serde_json::from_slice(&request.body).map_err(|_| Refusal::violation("the body is no JSON object"))?;
    known_fields(&body, &["auth"])?;
    let auth = object(&body, "auth")?;
    known_fields(auth, &[KEY, "tenantId", "tenantName"])?;
    if auth.len() > 2 {
        return Err(Refusal::violation("tenantId and tenantName are given together"));
    }
    let given = object(auth, KEY)?;
    known_fields(given, &["username", "apiKey"])?;
    Ok((text(given, "username")?, text(given, "apiKey")?))
}
