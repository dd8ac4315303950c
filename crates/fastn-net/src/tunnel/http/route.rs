//! Selects the service for a request to a bridge.
//!
//! A page of any site can make a browser send requests to a local port, even under the site's own name (DNS rebinding). So a bridge
//! answers only for known hosts.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use hyper::http::uri::Authority;

use super::options::{BridgeHttpOptions, HttpDestination};
use crate::{
    config::PeerAddress,
    error::{Code, Error, Result},
    identity::PublicKey,
};

/// The services that a bridge reaches, by host.
pub(super) struct Routes {
    destination: Option<HttpDestination>,
    hosts: HashMap<String, HttpDestination>,
    /// The most recently found Host: most requests repeat it, and checking an ID52 costs as much as half a request.
    last: Mutex<Option<(String, Arc<HttpDestination>)>>,
}

impl Routes {
    /// # Errors
    ///
    /// `ERR_INVALID_ARGUMENT` for a name that is not a host.
    pub(super) fn new(options: &BridgeHttpOptions) -> Result<Self> {
        let hosts = options.hosts.iter().map(|(name, destination)| match host_of(name) {
            Some(host) if host.len() == name.len() => Ok((host, destination.clone())),
            _ => {
                let text = format!("{name:?} is no host: write a name such as shop or shop.example, without a port");
                Err(Error::new(Code::InvalidArgument, text))
            }
        });
        Ok(Self {
            destination: options.destination.clone(),
            hosts: hosts.collect::<Result<_>>()?,
            last: Mutex::default(),
        })
    }

    /// All configured services.
    pub(super) fn configured(&self) -> impl Iterator<Item = &HttpDestination> {
        self.hosts.values().chain(&self.destination)
    }

    /// The service of a Host header.
    pub(super) fn find(&self, host: &str) -> Option<Arc<HttpDestination>> {
        let mut last = self.last.lock().expect("no panic while held");
        if let Some((known, destination)) = &*last
            && known == host
        {
            return Some(destination.clone());
        }
        let destination = Arc::new(self.look_up(host)?);
        *last = Some((host.to_owned(), destination.clone()));
        Some(destination)
    }

    fn look_up(&self, host: &str) -> Option<HttpDestination> {
        let host = host_of(host)?;
        let local = host.strip_suffix(".localhost");
        if let Some(found) = self.hosts.get(&host).or_else(|| self.hosts.get(local?)) {
            return Some(found.clone());
        }
        if let Some(local) = local {
            return self.find_by_id(local);
        }
        // A site cannot choose an IP address as its name.
        let is_address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        if host == "localhost" || is_address { self.destination.clone() } else { None }
    }

    /// `ID52`, or a service and `ID52`.
    fn find_by_id(&self, local: &str) -> Option<HttpDestination> {
        let (service, id) = match local.rsplit_once('.') {
            Some((service, id)) => (Some(service), id),
            None => (None, local),
        };
        if id.len() != 52 {
            return None;
        }
        let peer = PublicKey::parse(id).ok()?;
        let service = service.map(str::to_owned);
        match &self.destination {
            None => Some(HttpDestination { peer: PeerAddress::new(peer), service }),
            Some(own) if own.peer.id == peer => {
                Some(HttpDestination { peer: own.peer.clone(), service: service.or_else(|| own.service.clone()) })
            }
            Some(_) => None,
        }
    }
}

/// The name or address of a Host header, in lower case.
fn host_of(host: &str) -> Option<String> {
    let authority: Authority = host.parse().ok()?;
    let has_user = authority.as_str().contains('@');
    let host = authority.host().strip_suffix('.').unwrap_or_else(|| authority.host()).to_ascii_lowercase();
    (!host.is_empty() && !has_user).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SecretKey;

    fn destination(service: Option<&str>) -> HttpDestination {
        let peer = PeerAddress::new(SecretKey::generate().public());
        HttpDestination { peer, service: service.map(str::to_owned) }
    }

    #[test]
    fn an_id_in_the_host_is_the_peer() {
        let routes = Routes::new(&BridgeHttpOptions::default()).expect("routes");
        let id = SecretKey::generate().public();
        let found = |host: &str| routes.find(host).map(|found| (found.peer.id, found.service.clone()));
        assert_eq!(found(&format!("{id}.localhost:8080")), Some((id, None)));
        assert_eq!(found(&format!("{id}.LocalHost.")), Some((id, None)));
        let service = Some("admin.shop".to_owned());
        assert_eq!(found(&format!("Admin.Shop.{}.localhost", id.to_string().to_uppercase())), Some((id, service)));
        for host in ["localhost:8080", "127.0.0.1", "evil.example", "x.localhost", "", "localhost:x"] {
            assert_eq!(found(host), None, "{host}");
        }
        assert_eq!(found(&id.to_string()), None, "without localhost");
        assert_eq!(found(&format!("{id}.localhost.evil.example")), None);
        assert_eq!(found(&format!("evil@{id}.localhost")), None);
    }

    #[test]
    fn a_bridge_to_one_peer_reaches_no_other() {
        let own = destination(Some("web"));
        let shop = destination(None);
        let options = BridgeHttpOptions::default().with_destination(own.clone()).with_host("Shop", shop.clone());
        let routes = Routes::new(&options).expect("routes");
        for host in ["localhost:1", "127.0.0.1:1", "[::1]:1", "192.168.1.7"] {
            assert_eq!(routes.find(host).as_deref(), Some(&own), "{host}");
        }
        assert_eq!(routes.find(&format!("{}.localhost", own.peer.id)).as_deref(), Some(&own));
        assert_eq!(routes.find("shop:80").as_deref(), Some(&shop));
        assert_eq!(routes.find("SHOP.localhost").as_deref(), Some(&shop));
        assert_eq!(routes.find(&format!("{}.localhost", SecretKey::generate().public())), None);
        assert_eq!(routes.find("evil.example"), None);
    }

    #[test]
    fn a_host_with_a_port_or_path_is_rejected_as_a_name() {
        for name in ["shop:80", "a/b", "", "a b"] {
            let options = BridgeHttpOptions::default().with_host(name, destination(None));
            let error = Routes::new(&options).err().expect(name);
            assert_eq!(error.code(), Code::InvalidArgument);
        }
    }
}
