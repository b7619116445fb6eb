//! How large a pool is, and how much of it is in reserve.

/// How many units a pool has, and how many of them are in reserve.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PoolSize {
    /// Units in all.
    pub total: u64,
    /// Per cent of them that only clients below an equal share may take: 0 to 50.
    pub reserve_percent: u8,
}

impl PoolSize {
    /// Nothing at all.
    pub const NONE: Self = Self {
        total: 0,
        reserve_percent: 0,
    };

    /// Below so many units there is no reserve: it would be a quarter or more.
    const LEAST_WITH_RESERVE: u64 = 4;

    /// Units in reserve: the percentage, rounded up, and two at least, one for each half.
    pub(crate) fn reserve(self) -> u64 {
        if self.reserve_percent == 0 || self.total < Self::LEAST_WITH_RESERVE {
            return 0;
        }
        let percent = u128::from(self.reserve_percent.min(50));
        let part = (u128::from(self.total) * percent).div_ceil(100);
        u64::try_from(part).unwrap_or(self.total).max(2)
    }

    /// Units that anybody may take.
    #[must_use]
    pub fn open(self) -> u64 {
        self.total - self.reserve()
    }

    /// Units that any client below its share may take: all but the half of the reserve that is for other listeners.
    pub(crate) fn open_to_small_clients(self) -> u64 {
        self.total - self.reserve().div_ceil(2)
    }
}
