//! The same promises, on both transports.
//!
//! The tests over a broker need `STOA_TEST_AMQP_URL`, such as
//! `amqp://guest:guest@127.0.0.1:5672/%2f`; without it they fail and say so. Some need
//! `STOA_TEST_RABBITMQCTL` as well, the command that reaches the broker's control tool.
//! They delete and declare Stoa's queues there: never point them at a broker in use.

#![expect(clippy::float_cmp, reason = "metrics that count are whole numbers")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that can't go on fails"
)]

mod amqp;
mod broker;
mod cases;
mod erase;
mod node;
mod parking;
mod proxy;
mod recorder;

/// Makes a test per case and transport.
macro_rules! on_both {
    ($($from:ident::$case:ident / $amqp:ident),* $(,)?) => {
        mod embedded {
            #[test] fn what_all_have_passed_is_erased() { crate::erase::what_all_have_passed_is_erased(); }
            $(#[test] fn $case() { crate::$from::$case(&crate::node::Embedded::new()); })*
        }
        mod over_amqp {
            $(#[test] fn $amqp() { crate::$from::$case(&crate::broker::Broker::new()); })*
        }
    };
}

on_both! {
    cases::events_of_a_thread_arrive_in_order / amqp_events_of_a_thread_arrive_in_order,
    cases::a_crash_loses_nothing / amqp_a_crash_loses_nothing,
    cases::a_stop_gives_back_what_is_not_handled / amqp_a_stop_gives_back_what_is_not_handled,
    cases::outputs_arrive_although_the_reader_crashes / amqp_outputs_arrive_although_the_reader_crashes,
    cases::retry_holds_the_order / amqp_retry_holds_the_order,
    cases::a_long_retry_is_shown / amqp_a_long_retry_is_shown,
    cases::a_panic_is_contained / amqp_a_panic_is_contained,
    cases::a_bad_event_does_not_hold_up_its_batch / amqp_a_bad_event_does_not_hold_up_its_batch,
    cases::an_undecodable_message_is_parked / amqp_an_undecodable_message_is_parked,
    cases::an_outbox_resumes_after_a_crash / amqp_an_outbox_resumes_after_a_crash,
    cases::publishing_ends_with_shutdown / amqp_publishing_ends_with_shutdown,
    parking::a_refused_event_parks_its_thread / amqp_a_refused_event_parks_its_thread,
    parking::a_parked_thread_passes_after_an_upgrade / amqp_a_parked_thread_passes_after_an_upgrade,
    parking::a_retry_stops_at_what_is_refused / amqp_a_retry_stops_at_what_is_refused,
    parking::what_is_dropped_lets_its_thread_go / amqp_what_is_dropped_lets_its_thread_go,
    parking::without_room_everything_waits / amqp_without_room_everything_waits,
    parking::what_is_parked_is_not_parked_twice / amqp_what_is_parked_is_not_parked_twice,
    parking::many_poisons_hold_up_nobody / amqp_many_poisons_hold_up_nobody,
    erase::what_is_erased_is_dropped / amqp_what_is_erased_is_dropped,
    parking::an_unknown_version_parks_its_thread / amqp_an_unknown_version_parks_its_thread,
}
