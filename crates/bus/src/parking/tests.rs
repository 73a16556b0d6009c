use bytes::Bytes;
use stoa_proto::codec::Part;
use tempfile::TempDir;

use super::*;

fn open(dir: &TempDir, max_bytes: u64) -> Parking {
    let config = ParkingConfig {
        dir: dir.path().to_owned(),
        reader: Reader::Archive,
        max_bytes,
        reserve_bytes: 0,
    };
    Parking::open(&config, &Registry::new(), Arc::new(|| 1)).unwrap()
}

fn incoming(body: Vec<u8>, redelivered: bool) -> Incoming {
    Incoming {
        message: Message {
            body: Bytes::from(body),
            ..Message::default()
        },
        redelivered,
        user_id: None,
    }
}

/// Parks a message; says how many are parked then.
async fn park(parking: &Parking, id: Option<&str>, incoming: &Incoming) -> usize {
    let part = Part {
        id: id.map(str::to_owned),
        ..Part::whole(incoming.message.clone())
    };
    let mut batch = Batch::default();
    let aside = Aside::new(&part, incoming, Some("no".to_owned()));
    parking.stage(&mut batch, vec![aside]).unwrap();
    parking.park(batch).await.unwrap();
    parking.lanes().len()
}

#[tokio::test]
async fn what_is_done_with_is_dropped_from_the_disk() {
    let dir = TempDir::new().unwrap();
    let parking = open(&dir, 1 << 30);
    for n in 0..6 {
        park(&parking, None, &incoming(vec![n; 8 << 20], false)).await;
    }
    let before = parking.0.journal.bytes();
    assert!(before > 48 << 20, "{before}");
    // The oldest keeps all that came behind it.
    parking.handled(vec![1, 2, 3, 4]).await.unwrap();
    assert_eq!(parking.0.journal.first(), 0);
    assert!(parking.index().held() > 48 << 20);
    parking
        .dropped(0, "ada".to_owned(), "old".to_owned())
        .await
        .unwrap();
    assert!(parking.0.journal.first() > 2);
    assert!(parking.0.journal.bytes() < before / 2);
    assert!((8 << 20..9 << 20).contains(&parking.index().held()));
    parking.close().await;
    drop(parking);
    let parking = open(&dir, 1 << 30);
    assert_eq!(parking.lanes(), [Lane::Alone(5)]);
    let (_, message) = parking.message(5).unwrap().unwrap();
    assert_eq!(message.body, vec![5; 8 << 20]);
    parking.failed(vec![(5, "again".to_owned())]).await.unwrap();
    drop(parking);
    let found = open(&dir, 1 << 30).find(5).unwrap();
    assert_eq!(
        (found.n_attempts, found.reason.as_deref()),
        (1, Some("again"))
    );
}

#[tokio::test]
async fn what_the_broker_repeats_is_known_again() {
    let dir = TempDir::new().unwrap();
    let parking = open(&dir, 1 << 20);
    let (first, again) = (incoming(vec![1], false), incoming(vec![1], true));
    assert_eq!(park(&parking, None, &first).await, 1);
    // Without an id the same bytes may be two messages, unless the broker says that it repeats.
    assert_eq!(park(&parking, None, &first).await, 2);
    assert_eq!(park(&parking, None, &again).await, 2);
    assert_eq!(park(&parking, Some("e-1"), &first).await, 3);
    assert_eq!(park(&parking, Some("e-1"), &first).await, 3);
    let other = incoming(vec![2], false);
    assert_eq!(
        park(&parking, Some("e-1"), &other).await,
        4,
        "other content"
    );
    drop(parking);
    let parking = open(&dir, 1 << 20);
    assert_eq!(park(&parking, Some("e-1"), &first).await, 4);
    parking.handled(vec![2]).await.unwrap();
    assert_eq!(
        park(&parking, Some("e-1"), &first).await,
        4,
        "it was done with"
    );
}

#[tokio::test]
async fn a_record_of_a_newer_version_is_refused() {
    let dir = TempDir::new().unwrap();
    let parking = open(&dir, 1 << 20);
    let entry = Entry {
        kind: 99,
        payload: Bytes::new(),
    };
    parking.0.journal.append(vec![entry]).await.unwrap();
    drop(parking);
    let config = ParkingConfig {
        dir: dir.path().to_owned(),
        reader: Reader::Archive,
        max_bytes: 1,
        reserve_bytes: 0,
    };
    let error = Parking::open(&config, &Registry::new(), Arc::new(|| 1)).unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
}
