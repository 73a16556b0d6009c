//! What must hold at the end of a run.

use stoa_proto::Reader;

use super::broker::thread_of;
use super::drive::Scene;
use super::plan::{Poison, event_id, output_id};

/// Compares what the roles hold with what the platform was promised.
pub(super) fn judge(scene: &Scene) -> Result<(), String> {
    let plan = &scene.stage.plan;
    let archived = scene.roles[3].disk.events();
    for role in &scene.roles {
        let mut events = role.disk.events();
        let n_events = events.len();
        events.sort();
        events.dedup();
        if events.len() < n_events {
            return Err(format!("role {} has an effect twice", role.index));
        }
    }
    let never = |reader, id: &str| plan.refuses(reader, id) == Some(Poison::Always);
    for thread in &plan.threads {
        for number in 0..plan.n_events {
            let id = event_id(thread, number);
            let output = output_id(&id);
            let accepted = !never(Reader::Ingest, &id);
            let decided = accepted && !never(Reader::Moderation, &id);
            for (id, expected) in [
                (&id, accepted && !never(Reader::Archive, &id)),
                (&output, decided && !never(Reader::Archive, &output)),
            ] {
                if archived.contains(id) != expected {
                    return Err(format!("{id} is in the archive: {}", !expected));
                }
            }
        }
        order(scene, thread, &archived)?;
    }
    Ok(())
}

/// Checks that a thread's events, and what follows from them, came in their order.
fn order(scene: &Scene, thread: &str, archived: &[String]) -> Result<(), String> {
    let plan = &scene.stage.plan;
    if scene.stage.broker.was_refused(thread) {
        return Ok(());
    }
    // What one instance has parked the other overtakes: they share nothing.
    let is_shared = plan.two_moderators && plan.refuses_any(Reader::Moderation, thread);
    for is_output in [false, true] {
        if is_output && is_shared {
            continue;
        }
        let number = |id: &String| id.split('-').nth(1)?.parse::<u64>().ok();
        let own = archived
            .iter()
            .filter(|id| thread_of(id) == thread && id.starts_with("d.") == is_output);
        let numbers: Vec<_> = own.filter_map(number).collect();
        if !numbers.is_sorted() {
            return Err(format!("{thread} is archived out of order: {numbers:?}"));
        }
    }
    Ok(())
}
