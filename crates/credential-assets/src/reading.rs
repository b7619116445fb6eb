//! What has been read for one access key.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

/// What has been read for one access key: parts of the same source are of the same reading, so that they fit together
/// even while the source changes.
#[derive(Default)]
pub struct AssetReading {
    /// A map for each pair of types: schemes know their own alone.
    maps: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl AssetReading {
    /// What this source gave.
    #[must_use]
    pub fn get<K: Eq + Hash + 'static, V: 'static>(&self, source: &K) -> Option<Arc<V>> {
        let map = self.maps.get(&TypeId::of::<HashMap<K, Arc<V>>>())?;
        map.downcast_ref::<HashMap<K, Arc<V>>>()?.get(source).cloned()
    }

    /// Keeps what a source gave.
    pub fn insert<K, V>(&mut self, source: K, value: Arc<V>)
    where
        K: Eq + Hash + Send + Sync + 'static,
        V: Send + Sync + 'static,
    {
        let map = self.maps.entry(TypeId::of::<HashMap<K, Arc<V>>>());
        let map = map.or_insert_with(|| Box::new(HashMap::<K, Arc<V>>::new()));
        if let Some(map) = map.downcast_mut::<HashMap<K, Arc<V>>>() {
            map.insert(source, value);
        }
    }
}

impl fmt::Debug for AssetReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssetReading").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_of_different_types_do_not_meet() {
        let mut reading = AssetReading::default();
        reading.insert("a", Arc::new(1_u32));
        reading.insert("a", Arc::new("text"));
        assert_eq!(reading.get::<&str, u32>(&"a").as_deref(), Some(&1));
        assert_eq!(reading.get::<&str, &str>(&"a").as_deref(), Some(&"text"));
        assert_eq!(reading.get::<&str, u32>(&"b"), None);
    }
}
