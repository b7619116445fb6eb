//! Families whose series belong to somebody: to a connection, a connection with its service, or a listener.
//!
//! A reload takes owners away. Each family knows which series it has for whom, and can be registered only together with
//! their removal ([`Removals::register`]): a new family cannot be left out of a list.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::registry::{Metric, Registry, Unit};

/// A family that can remove the series of an owner. Clones share the numbers.
#[derive(Debug)]
pub(super) struct OwnedFamily<O, L, M, C = fn() -> M> {
    family: Family<L, M, C>,
    series: Arc<Mutex<HashMap<O, HashSet<L>>>>,
}

impl<O, L: Clone + Eq + Hash, M, C: Clone> Clone for OwnedFamily<O, L, M, C> {
    fn clone(&self) -> Self {
        Self {
            family: self.family.clone(),
            series: Arc::clone(&self.series),
        }
    }
}

impl<O, L: Clone + Eq + Hash, M: Default> Default for OwnedFamily<O, L, M> {
    fn default() -> Self {
        Self::of(Family::default())
    }
}

impl<O, L: Clone + Eq + Hash, M, C> OwnedFamily<O, L, M, C> {
    /// With metrics that are made otherwise than by `default()`.
    pub(super) fn of(family: Family<L, M, C>) -> Self {
        Self {
            family,
            series: Arc::default(),
        }
    }
}

impl<O: Eq + Hash, L: Clone + Eq + Hash, M, C: MetricConstructor<M>> OwnedFamily<O, L, M, C> {
    /// Counts in the series with these labels. One that is new belongs to the owner; without an owner it stays.
    pub(super) fn count(&self, owner: impl FnOnce() -> Option<O>, labels: &L, count: impl FnOnce(&M)) {
        if let Some(metric) = self.family.get(labels) {
            count(&metric);
            return;
        }
        // Held until it counts, so that a series never appears for an owner that is being removed.
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        count(&self.family.get_or_create(labels));
        if let Some(owner) = owner() {
            series.entry(owner).or_default().insert(labels.clone());
        }
    }

    /// The metric of the owner's series, which is exported from now on.
    pub(super) fn of_owner(&self, owner: O, labels: &L) -> M
    where
        M: Clone,
    {
        if let Some(metric) = self.family.get(labels) {
            return metric.clone();
        }
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series.entry(owner).or_default().insert(labels.clone());
        self.family.get_or_create_owned(labels)
    }
}

/// Removes what belongs to an owner.
trait RemoveSeries<O>: Debug + Send + Sync {
    fn remove(&self, owner: &O);
}

impl<O, L, M, C> RemoveSeries<O> for OwnedFamily<O, L, M, C>
where
    O: Debug + Eq + Hash + Send + Sync,
    L: Clone + Debug + Eq + Hash + Send + Sync,
    M: Debug + Send + Sync,
    C: Debug + MetricConstructor<M> + Send + Sync,
{
    fn remove(&self, owner: &O) {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        for labels in series.remove(owner).into_iter().flatten() {
            self.family.remove(&labels);
        }
    }
}

/// The families with series of one kind of owner.
#[derive(Debug)]
pub(super) struct Removals<O>(Vec<Box<dyn RemoveSeries<O>>>);

impl<O> Default for Removals<O> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<O: Debug + Eq + Hash + Send + Sync + 'static> Removals<O> {
    /// Registers the family, whose series are removed with their owners from now on.
    pub(super) fn register<L, M, C>(
        &mut self,
        registry: &mut Registry,
        (name, help, unit): (&str, &str, Option<Unit>),
        family: &OwnedFamily<O, L, M, C>,
    ) where
        L: Clone + Debug + EncodeLabelSet + Eq + Hash + Send + Sync + 'static,
        M: Debug + TypedMetric + Send + Sync + 'static,
        C: Clone + Debug + MetricConstructor<M> + Send + Sync + 'static,
        Family<L, M, C>: Metric,
    {
        match unit {
            Some(unit) => registry.register_with_unit(name, help, unit, family.family.clone()),
            None => registry.register(name, help, family.family.clone()),
        }
        self.0.push(Box::new(family.clone()));
    }

    /// The owner is gone.
    pub(super) fn remove(&self, owner: &O) {
        for family in &self.0 {
            family.remove(owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    type Labels = [(&'static str, &'static str); 1];

    #[test]
    fn series_go_with_their_owner_and_no_others_do() {
        let (mut registry, mut removals) = (Registry::default(), Removals::default());
        let family = OwnedFamily::<&str, Labels, Counter>::default();
        removals.register(&mut registry, ("seen", "Seen", None), &family);
        let one = |counter: &Counter| {
            counter.inc();
        };
        family.count(|| Some("a"), &[("of", "a1")], one);
        family.count(|| Some("a"), &[("of", "a2")], one);
        family.count(|| Some("b"), &[("of", "b")], one);
        family.count(|| None, &[("of", "nobody")], one);
        family.of_owner("a", &[("of", "a3")]).inc();
        removals.remove(&"a");
        removals.remove(&"c");
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let series: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("seen_total"))
            .collect();
        assert_eq!(series.len(), 2, "{text}");
        assert!(
            series.contains(&"{of=\"b\"} 1") && series.contains(&"{of=\"nobody\"} 1"),
            "{text}"
        );
        family.count(|| Some("a"), &[("of", "a1")], one);
        assert_eq!(family.family.get(&[("of", "a1")]).unwrap().get(), 1);
    }
}
