//! Addresses: what a name stands for is judged before anything is connected to, and stays what it was.
//! Names are resolved by tables here, so that they stand for whatever a test wants.

use crate::receiver::{Answer, Receiver};
use crate::stage::{Stage, settings, until, up_to};
use ledger::DeliveryOutcome;
use parking_lot::Mutex;
use relay::{NewWebhook, RelaySettings, Resolve, Resolving};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_rustls::TlsAcceptor;

/// Answers each name from a table, the first time with the first list, and so on; the last one stays.
#[derive(Clone)]
struct Table {
    lists: Arc<Mutex<Vec<Vec<IpAddr>>>>,
    asked: Arc<AtomicUsize>,
}

impl Table {
    fn of(lists: &[&[&str]]) -> Self {
        let list = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        let lists: Vec<Vec<IpAddr>> = lists.iter().map(list).collect();
        Self { lists: Arc::new(Mutex::new(lists)), asked: Arc::default() }
    }
}

impl Resolve for Table {
    fn resolve<'a>(&'a self, _host: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            let mut lists = self.lists.lock();
            self.asked.fetch_add(1, Ordering::Relaxed);
            let list = if lists.len() > 1 { lists.remove(0) } else { lists[0].clone() };
            if list.is_empty() { Err(io::Error::other("no such name")) } else { Ok(list) }
        })
    }
}

fn named(receiver: &Receiver, scheme: &str) -> NewWebhook {
    let url = format!("{scheme}://receiver.test:{}/hook", receiver.address.port());
    NewWebhook { url, ..NewWebhook::default() }
}

#[tokio::test]
async fn a_name_that_stands_for_an_inside_address_is_not_reached() {
    let receiver = Receiver::willing().await;
    let table: [(&[&str], DeliveryOutcome); 9] = [
        (&["127.0.0.1"], DeliveryOutcome::Forbidden),
        (&["::ffff:127.0.0.1"], DeliveryOutcome::Forbidden),
        (&["::1"], DeliveryOutcome::Forbidden),
        (&["10.0.0.1"], DeliveryOutcome::Forbidden),
        (&["169.254.169.254"], DeliveryOutcome::Forbidden),
        (&["100.64.1.1"], DeliveryOutcome::Forbidden),
        (&["fd00::1"], DeliveryOutcome::Forbidden),
        (&["192.0.2.1", "127.0.0.1"], DeliveryOutcome::Forbidden),
        (&[], DeliveryOutcome::Unreachable),
    ];
    for (addresses, expected) in table {
        let stage = Stage::new();
        let strict = RelaySettings { reachable: Vec::new(), ..settings() };
        let running = stage.run_with(strict, Table::of(&[addresses]));
        let added = running.relay.add(named(&receiver, "http")).await.unwrap();
        let tried = running.relay.test(&added.id).await.unwrap();
        assert_eq!(tried.outcome, expected, "{addresses:?}");
        running.stop().await;
    }
    assert_eq!(receiver.connections(), 0);
}

/// One address that may be reached does not open the way to another of the same name.
#[tokio::test]
async fn every_address_of_a_name_is_judged() {
    let stage = Stage::new();
    let receiver = Receiver::willing().await;
    let mixed = Table::of(&[&["127.0.0.1", "10.0.0.1"], &["127.0.0.1"]]);
    let running = stage.run_with(settings(), mixed);
    let added = running.relay.add(named(&receiver, "http")).await.unwrap();
    let first = running.relay.test(&added.id).await.unwrap();
    let second = running.relay.test(&added.id).await.unwrap();
    let outcomes = (first.outcome, second.outcome);
    assert_eq!(outcomes, (DeliveryOutcome::Forbidden, DeliveryOutcome::Taken(204)));
    assert_eq!(receiver.connections(), 1);
    running.stop().await;
}

/// A name that is given another meaning between the question and the connection gains nothing.
#[tokio::test]
async fn a_connection_stays_with_the_address_that_was_judged() {
    let stage = Stage::new();
    let activity = stage.activity("night");
    let receiver = Receiver::scripted(|_, before| match before {
        // Closed in the middle: only then is the name asked for again.
        29 => Answer::With(200, "connection", "close".into()),
        _ => Answer::Status(200),
    })
    .await;
    let rebinding = Table::of(&[&["127.0.0.1"], &["10.0.0.1"], &["127.0.0.1"]]);
    let running = stage.run_with(settings(), rebinding.clone());
    let added = running.relay.add(named(&receiver, "http")).await.unwrap();
    stage.claims(activity, 50);
    running.relay.wake();
    until("all of them", || receiver.count() == 50).await;
    assert_eq!(receiver.taken("night"), up_to(50));
    assert_eq!(rebinding.asked.load(Ordering::Relaxed), 3, "once for each connection");
    let host = format!("receiver.test:{}", receiver.address.port());
    assert!(receiver.received().iter().all(|one| one.header("host") == host));
    running.stop().await;
    let relay = relay::Relay::start(stage.parts(relay::SystemResolver), settings()).unwrap();
    let log = relay.deliveries(&added.id, 100).await.unwrap();
    let forbidden = log.iter().filter(|one| one.outcome == DeliveryOutcome::Forbidden);
    assert_eq!(forbidden.map(|one| one.no.0).collect::<Vec<_>>(), [31]);
}

fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::pem_slice_iter(include_bytes!("../keys/receiver.pem"));
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../keys/receiver.key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_receiver_behind_tls_has_to_prove_its_name() {
    let receiver = Receiver::secure(acceptor()).await;
    let trusted = include_bytes!("../keys/authority.pem").to_vec();
    let table = [
        ("receiver.test", trusted.clone(), DeliveryOutcome::Taken(200)),
        ("other.test", trusted.clone(), DeliveryOutcome::Unreachable),
        ("127.0.0.1", trusted, DeliveryOutcome::Unreachable),
        ("receiver.test", Vec::new(), DeliveryOutcome::Unreachable),
    ];
    for (host, roots_pem, expected) in table {
        let stage = Stage::new();
        let settings = RelaySettings { roots_pem, ..settings() };
        let running = stage.run_with(settings, Table::of(&[&["127.0.0.1"]]));
        let url = format!("https://{host}:{}/", receiver.address.port());
        let added = running.listen(&url).await;
        let tried = running.relay.test(&added.id).await.unwrap();
        assert_eq!(tried.outcome, expected, "{host}");
        running.stop().await;
    }
    assert_eq!(receiver.count(), 1, "nothing is said to a receiver that is somebody else");
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_refused_at_the_start() {
    let stage = Stage::new();
    let roots_pem = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n".to_vec();
    for roots_pem in [roots_pem, b"nothing".to_vec()] {
        let settings = RelaySettings { roots_pem, ..settings() };
        let refused = relay::Relay::start(stage.parts(relay::SystemResolver), settings).err();
        assert_eq!(refused, Some(relay::SettingRefused::Roots));
    }
}
