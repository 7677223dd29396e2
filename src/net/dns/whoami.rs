//! Who am I: a question to a name server that answers with the address it was asked from.

use std::net::{IpAddr, SocketAddr};

use hickory_proto::op::{DnsResponse, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, RData, RecordType as WireType};

use super::{address, exchange, refusal, wire};
use crate::model::name::Name;
use crate::model::record::Family;
use crate::net::via::Via;

/// The longest answer that is read, in octets.
const MOST: usize = 4 << 10;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name that is asked for.
    pub name: Name,
    /// In which form.
    pub form: Form,
    /// Whether only an answer with authority counts (RFC 1035, section 4.1.1, AA), and the question says that no recursion is
    /// wanted: a resolver that answers in the server's place, as some networks have them, would tell its own address.
    pub authority: bool,
}

/// How a server says an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As an A or AAAA record.
    #[default]
    Address,
    /// As a TXT record.
    Text,
    /// As a TXT record of the class CH (RFC 1035, section 3.2.4), in which servers speak of themselves.
    Chaos,
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// This address.
    Address(IpAddr),
    /// This text.
    Text(String),
}

impl Question {
    fn query(&self, family: Family) -> Result<Query, String> {
        let rtype = match (self.form, family) {
            (Form::Address, Family::Ipv4) => WireType::A,
            (Form::Address, Family::Ipv6) => WireType::AAAA,
            (Form::Text | Form::Chaos, _) => WireType::TXT,
        };
        let mut query = Query::query(wire(&self.name)?, rtype);
        if self.form == Form::Chaos {
            query.set_query_class(DNSClass::CH);
        }
        Ok(query)
    }
}

/// Asks one server at one place, over the family of its address, within six seconds. What it says is not judged here.
///
/// # Errors
/// Why there is no answer that is exactly one record with exactly one text or address, in words.
pub async fn whoami(server: SocketAddr, question: &Question, via: &Via) -> Result<Said, String> {
    let query = question.query(Family::of(server.ip()))?;
    let reply = exchange::ask(server, query.clone(), !question.authority, via).await?;
    said(&reply, &query, question.authority)
}

/// What an answer to `query` says.
fn said(reply: &DnsResponse, query: &Query, authority: bool) -> Result<Said, String> {
    if reply.as_buffer().len() > MOST {
        return Err(format!("its answer is longer than {MOST} octets"));
    }
    if reply.response_code != ResponseCode::NoError {
        return Err(refusal(reply.response_code));
    }
    if authority && !reply.authoritative {
        return Err("it does not answer with authority: perhaps somebody on the way answers in its place".into());
    }
    let record = match reply.answers.as_slice() {
        [record] => record,
        [] => return Err("its answer is empty".into()),
        several => return Err(format!("its answer has {} records instead of one", several.len())),
    };
    if record.name != query.name || record.dns_class != query.query_class || record.record_type() != query.query_type {
        return Err("its answer is of another name, class or type".into());
    }
    match &record.data {
        RData::TXT(text) => match &*text.txt_data {
            [text] => match std::str::from_utf8(text) {
                Ok(text) => Ok(Said::Text(text.to_owned())),
                Err(_) => Err("its answer is no text".into()),
            },
            several => Err(format!("its answer has {} texts instead of one", several.len())),
        },
        data => address(data).map(Said::Address).ok_or_else(|| "its answer is of another type".into()),
    }
}

/// The fuzzer's door: octets as an answer to its own question, and to ours.
#[cfg(fuzzing)]
pub fn fuzz(octets: &[u8]) {
    let Ok(reply) = exchange::read(octets.to_vec()) else { return };
    let name = Name::parse("whoami.example.net");
    let ours = [Form::Address, Form::Text, Form::Chaos].into_iter().flat_map(|form| {
        let question = name.clone().map(|name| Question { name, form, authority: false });
        Family::ALL.into_iter().filter_map(move |family| question.as_ref().ok()?.query(family).ok())
    });
    for query in reply.queries.iter().cloned().chain(ours) {
        for authority in [false, true] {
            match said(&reply, &query, authority) {
                Ok(Said::Address(ip)) => {
                    let wanted = if query.query_type == WireType::A { Family::Ipv4 } else { Family::Ipv6 };
                    assert_eq!(Family::of(ip), wanted);
                    assert_eq!(reply.answers.len(), 1);
                }
                Ok(Said::Text(text)) => assert!(text.len() <= 255),
                Err(why) => assert!(!why.is_empty()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
