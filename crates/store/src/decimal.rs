//! Decimal numbers as digits: read, rounded to a scale as PostgreSQL rounds, compared by value.

use std::cmp::Ordering;

/// Most digits on one side of the point. PostgreSQL allows more; nobody counts so far.
const DIGITS_MAX: usize = 1000;

/// A decimal number taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    is_negative: bool,
    /// Digits before the point, without leading zeros.
    whole: Vec<u8>,
    /// Digits after the point.
    fraction: Vec<u8>,
}

impl Decimal {
    /// Reads `-12.50`, `1e3`, `.5`. None where it is no number, or far too long.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (is_negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !are_digits(whole) || !are_digits(fraction) {
            return None;
        }
        if whole.len() > DIGITS_MAX
            || fraction.len() > DIGITS_MAX
            || usize::try_from(exponent.unsigned_abs()).ok()? > DIGITS_MAX
        {
            return None;
        }
        let mut whole = whole.as_bytes().to_vec();
        let mut fraction = fraction.as_bytes().to_vec();
        shift(&mut whole, &mut fraction, exponent);
        let leading = whole.iter().take_while(|digit| **digit == b'0').count();
        whole.drain(..leading);
        Some(Self { is_negative, whole, fraction })
    }

    /// Rounds half away from zero to `scale` digits after the point, and pads to as many.
    pub(crate) fn round(&mut self, scale: usize) {
        let rounds_up = self.fraction.get(scale).is_some_and(|digit| *digit >= b'5');
        self.fraction.resize(scale, b'0');
        if !rounds_up {
            return;
        }
        for digit in self.fraction.iter_mut().rev().chain(self.whole.iter_mut().rev()) {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        self.whole.insert(0, b'1');
    }

    /// Takes away zeros at the end of the fraction.
    pub(crate) fn trim(&mut self) {
        while self.fraction.last() == Some(&b'0') {
            self.fraction.pop();
        }
    }

    /// How many digits stand before the point.
    pub(crate) fn whole_digits(&self) -> usize {
        self.whole.len()
    }

    /// How many digits matter.
    pub(crate) fn significant_digits(&self) -> usize {
        let trailing = self.fraction.iter().rev().take_while(|digit| **digit == b'0').count();
        let leading = if self.whole.is_empty() {
            self.fraction.iter().take_while(|digit| **digit == b'0').count()
        } else {
            0
        };
        (self.whole.len() + self.fraction.len()).saturating_sub(trailing).saturating_sub(leading)
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.iter().all(|digit| *digit == b'0')
    }

    /// Canonical digits: a digit before the point, no sign on zero.
    pub(crate) fn text(&self) -> String {
        let mut text = String::with_capacity(self.whole.len() + self.fraction.len() + 3);
        if self.is_negative && !self.is_zero() {
            text.push('-');
        }
        if self.whole.is_empty() {
            text.push('0');
        }
        text.extend(self.whole.iter().map(|digit| char::from(*digit)));
        if !self.fraction.is_empty() {
            text.push('.');
            text.extend(self.fraction.iter().map(|digit| char::from(*digit)));
        }
        text
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        let padded = |fraction: &[u8], place: usize| fraction.get(place).copied().unwrap_or(b'0');
        self.whole
            .len()
            .cmp(&other.whole.len())
            .then_with(|| self.whole.cmp(&other.whole))
            .then_with(|| {
                (0..self.fraction.len().max(other.fraction.len()))
                    .map(|place| padded(&self.fraction, place).cmp(&padded(&other.fraction, place)))
                    .find(|ordering| ordering.is_ne())
                    .unwrap_or(Ordering::Equal)
            })
    }
}

/// Moves the point by `exponent` places.
fn shift(whole: &mut Vec<u8>, fraction: &mut Vec<u8>, exponent: i32) {
    let places = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
    if exponent >= 0 {
        let taken = places.min(fraction.len());
        whole.extend(fraction.drain(..taken));
        whole.resize(whole.len() + places - taken, b'0');
    } else {
        let taken = places.min(whole.len());
        let mut moved = vec![b'0'; places - taken];
        moved.extend(whole.drain(whole.len() - taken..));
        moved.append(fraction);
        *fraction = moved;
    }
}

/// Text that sorts as decimal numbers do; what is no number sorts before them all.
pub(crate) fn rank(text: &str) -> String {
    let Some(mut number) = Decimal::parse(text) else { return String::new() };
    number.trim();
    if number.is_zero() {
        return "1".to_owned();
    }
    // More digits before the point are a greater number, and further digits behind it too.
    let mut rank = format!("{:04}", number.whole.len());
    rank.extend(number.whole.iter().chain(&number.fraction).map(|digit| char::from(*digit)));
    if number.is_negative {
        let turned = |digit: u8| char::from(b'9' - (digit - b'0'));
        return format!("0{}~", rank.bytes().map(turned).collect::<String>());
    }
    format!("2{rank}!")
}

/// Compares two texts as decimal numbers; what is no number comes after all numbers, as text.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    match (Decimal::parse(left), Decimal::parse(right)) {
        (Some(left), Some(right)) => {
            let signs =
                (left.is_negative && !left.is_zero(), right.is_negative && !right.is_zero());
            match signs {
                (false, true) => Ordering::Greater,
                (true, false) => Ordering::Less,
                (false, false) => left.magnitude(&right),
                (true, true) => right.magnitude(&left),
            }
        }
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.cmp(right),
    }
}
