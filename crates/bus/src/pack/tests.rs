use stoa_proto::{Kind, Shard};

use super::*;

const LIMITS: PackLimits = PackLimits {
    events: 3,
    bytes: 64,
    across_groups: false,
};

fn event(exchange: Exchange, shard: u8, id: u32) -> Outgoing {
    let shard = Shard::from_index(shard).unwrap();
    Outgoing {
        exchange,
        id: id.to_string(),
        kind: Kind::CommentSubmitted,
        shard,
        lane: u64::from(id),
        routing_key: shard.routing_key(),
        body: Bytes::from(format!("{{\"id\":{id}}}")),
    }
}

fn bodies(packets: &[Packet]) -> Vec<&str> {
    packets
        .iter()
        .map(|packet| std::str::from_utf8(&packet.body).unwrap())
        .collect()
}

#[test]
fn events_of_a_group_travel_together_in_order() {
    let events = (0..5)
        .map(|id| event(Exchange::Content, if id == 1 { 9 } else { 8 }, id))
        .collect();
    let packets = pack(events, LIMITS);
    assert_eq!(
        bodies(&packets),
        [
            r#"[{"id":0},{"id":2},{"id":3}]"#,
            r#"{"id":1}"#,
            r#"{"id":4}"#
        ]
    );
    let first = &packets[0];
    assert_eq!(
        (
            first.routing_key.as_str(),
            first.id.as_str(),
            first.content_type
        ),
        ("s.08", "0", BATCH)
    );
    assert_eq!(packets[1].content_type, STRUCTURED);
}

#[test]
fn decisions_travel_alone() {
    let events = (0..3).map(|id| event(Exchange::Decisions, 1, id)).collect();
    assert_eq!(
        bodies(&pack(events, LIMITS)),
        [r#"{"id":0}"#, r#"{"id":1}"#, r#"{"id":2}"#]
    );
}

#[test]
fn bytes_are_limited_and_a_large_event_goes_alone() {
    let mut large = event(Exchange::Content, 1, 1);
    large.body = Bytes::from(vec![b'x'; 100]);
    let events = vec![
        event(Exchange::Content, 1, 0),
        large,
        event(Exchange::Content, 1, 2),
    ];
    let packets = pack(events, LIMITS);
    assert_eq!(
        packets.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(),
        ["0", "1", "2"]
    );
}

#[test]
fn one_event_a_message_where_that_is_asked_for() {
    let events = (0..3).map(|id| event(Exchange::Content, 1, id)).collect();
    let packets = pack(
        events,
        PackLimits {
            events: 1,
            ..LIMITS
        },
    );
    assert_eq!(
        bodies(&packets),
        [r#"{"id":0}"#, r#"{"id":1}"#, r#"{"id":2}"#]
    );
}

#[test]
fn one_queue_takes_all_groups_in_one_message() {
    let events = (0..3)
        .map(|id| event(Exchange::Content, u8::try_from(id).unwrap(), id))
        .collect();
    let packets = pack(
        events,
        PackLimits {
            across_groups: true,
            ..LIMITS
        },
    );
    assert_eq!(bodies(&packets), [r#"[{"id":0},{"id":1},{"id":2}]"#]);
}
