//! Quotas that a platform said are used up: until they fill again nobody is called in vain. Kept in this process, per
//! account (or channel app) and interface; another process learns it by one refused call of its own.

use crate::buckets::Owner;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{ChannelError, ErrorClass, RemoteError, Request};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Interfaces that are remembered at once; a plugin makes its paths itself, so there has to be a bound.
const MOST: usize = 10_000;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Interface {
    owner: Owner,
    host: &'static str,
    path: String,
}

struct Word {
    until: Timestamp,
    remote: Option<RemoteError>,
}

pub(crate) struct Spent(Mutex<HashMap<Interface, Word>>);

impl Spent {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// What the platform said of this interface, while it holds.
    pub(crate) fn ask(&self, owner: Owner, request: &Request, now: Timestamp) -> Result<(), ChannelError> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.is_empty() {
            return Ok(());
        }
        let interface = interface(owner, request);
        match table.get(&interface) {
            Some(word) if word.until > now => Err(ChannelError {
                class: ErrorClass::Quota { until: word.until },
                remote: word.remote.clone(),
                detail: "the platform said that the quota of this interface is used up; it was not called"
                    .to_owned(),
            }),
            Some(_) => {
                table.remove(&interface);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Tells how a step ended. Of several interfaces it is not known which one was meant, so none is remembered.
    pub(crate) fn tell(&self, owner: Owner, requests: &[Request], error: &ChannelError) {
        let ErrorClass::Quota { until } = error.class else { return };
        let Some((first, rest)) = requests.split_first() else { return };
        let meant = interface(owner, first);
        // A candidate is not an account yet: whoever tries next is somebody else.
        if owner == Owner::Candidate || rest.iter().any(|other| interface(owner, other) != meant) {
            return;
        }
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= MOST {
            // Whoever is forgotten is told again by the platform.
            table.clear();
        }
        table.insert(meant, Word { until, remote: error.remote.clone() });
    }

    /// Forgets what was said of an account's interfaces.
    pub(crate) fn forget(&self, owner: Owner) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|interface, _| interface.owner != owner);
    }
}

fn interface(owner: Owner, request: &Request) -> Interface {
    Interface { owner, host: request.host, path: request.path.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::AccountRef;
    use qianpu_domain::ids::{ChannelAccountId, TenantId};

    fn owner(channel: &'static str) -> Owner {
        let (tenant, id) = (TenantId(Default::default()), ChannelAccountId(Default::default()));
        Owner::Account(AccountRef { channel, tenant, id })
    }

    fn full(until: i64) -> ChannelError {
        let class = ErrorClass::Quota { until: Timestamp::from_seconds(until) };
        let remote = RemoteError { code: "45009".to_owned(), message: "reach max".to_owned(), rid: None };
        ChannelError { class, remote: Some(remote), detail: String::new() }
    }

    #[test]
    fn an_interface_is_left_alone_until_its_quota_fills() {
        let (spent, mine, other) = (Spent::new(), owner("one"), owner("two"));
        let (add, get) = (Request::get("api", "/add"), Request::get("api", "/get"));
        let at = Timestamp::from_seconds;
        spent.tell(mine, std::slice::from_ref(&add), &full(100));
        let refused = spent.ask(mine, &add, at(99)).unwrap_err();
        assert_eq!(refused.class, ErrorClass::Quota { until: at(100) });
        assert_eq!(refused.remote.unwrap().code, "45009", "in the platform's words");
        assert!(spent.ask(mine, &get, at(99)).is_ok(), "its other interfaces go on");
        assert!(spent.ask(other, &add, at(99)).is_ok(), "other accounts go on");
        assert!(spent.ask(mine, &add, at(100)).is_ok());
        spent.tell(mine, std::slice::from_ref(&add), &full(200));
        spent.forget(mine);
        assert!(spent.ask(mine, &add, at(150)).is_ok());
    }

    #[test]
    fn what_is_not_certain_is_not_remembered() {
        let (spent, mine) = (Spent::new(), owner("one"));
        let (add, get) = (Request::get("api", "/add"), Request::get("api", "/get"));
        let now = Timestamp::from_seconds(0);
        spent.tell(mine, &[add.clone(), get.clone()], &full(100));
        spent.tell(Owner::Candidate, std::slice::from_ref(&add), &full(100));
        spent.tell(mine, std::slice::from_ref(&add), &ChannelError::unexpected("?"));
        for owner in [mine, Owner::Candidate] {
            assert!(spent.ask(owner, &add, now).is_ok() && spent.ask(owner, &get, now).is_ok());
        }
    }
}
