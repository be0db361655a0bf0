/** Exact decimals: an integer and the number of its digits behind the point. */

export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

const POWERS: bigint[] = [1n];

export function powerOfTen(exponent: number): bigint {
  while (POWERS.length <= exponent) POWERS.push(POWERS[POWERS.length - 1] * 10n);
  return POWERS[exponent];
}

/** Text as the servers print a DECIMAL: `-12.50`, `.5`. */
export function parseDecimal(text: string): Decimal {
  const point = text.indexOf('.');
  if (point < 0) return { digits: BigInt(text), scale: 0 };
  const plain = text.slice(0, point) + text.slice(point + 1);
  const digits = plain === '-' || plain === '' ? 0n : BigInt(plain);
  return { digits, scale: text.length - point - 1 };
}

export function decimalText({ digits, scale }: Decimal): string {
  const negative = digits < 0n;
  let text = (negative ? -digits : digits).toString();
  if (scale > 0) {
    text = text.padStart(scale + 1, '0');
    text = `${text.slice(0, -scale)}.${text.slice(-scale)}`;
  }
  return negative ? `-${text}` : text;
}

export function compareDecimals(a: Decimal, b: Decimal): number {
  const left = a.scale >= b.scale ? a.digits : a.digits * powerOfTen(b.scale - a.scale);
  const right = b.scale >= a.scale ? b.digits : b.digits * powerOfTen(a.scale - b.scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

export function addDecimals(a: Decimal, b: Decimal, sign: 1n | -1n): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return {
    digits: a.digits * powerOfTen(scale - a.scale) + sign * b.digits * powerOfTen(scale - b.scale),
    scale,
  };
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, scale: a.scale + b.scale };
}

const GROUP = 9;

function wholeGroups(scale: number): number {
  return Math.ceil(scale / GROUP) * GROUP;
}

/**
 * The servers' division: `increment` more digits than the dividend has, counted in groups of nine digits
 * and cut off, not rounded. So 1/3 is 0.333333333 and less than 0.3333333331. null for a zero divisor.
 */
export function divideDecimals(a: Decimal, b: Decimal, increment: number): Decimal | null {
  if (b.digits === 0n) return null;
  const first = wholeGroups(a.scale);
  const second = wholeGroups(b.scale);
  const more = Math.max(0, increment - (first - a.scale + (second - b.scale)));
  const scale = wholeGroups(first + second + more);
  const dividend = a.digits * powerOfTen(scale - a.scale + b.scale);
  return { digits: dividend / b.digits, scale };
}

/** Sign of the dividend, as the servers have it. null for a zero divisor. */
export function remainderOfDecimals(a: Decimal, b: Decimal): Decimal | null {
  if (b.digits === 0n) return null;
  const scale = Math.max(a.scale, b.scale);
  const left = a.digits * powerOfTen(scale - a.scale);
  const right = b.digits * powerOfTen(scale - b.scale);
  return { digits: left % right, scale };
}

/** Half away from zero. */
export function roundDecimal(value: Decimal, scale: number): Decimal {
  if (value.scale <= scale) return value;
  const cut = powerOfTen(value.scale - Math.max(scale, -40));
  const half = cut / 2n;
  const digits = (value.digits + (value.digits < 0n ? -half : half)) / cut;
  return scale >= 0 ? { digits, scale } : { digits: digits * powerOfTen(-scale), scale: 0 };
}

export function truncateDecimal(value: Decimal, scale: number): Decimal {
  if (value.scale <= scale) return value;
  const digits = value.digits / powerOfTen(value.scale - Math.max(scale, -40));
  return scale >= 0 ? { digits, scale } : { digits: digits * powerOfTen(-scale), scale: 0 };
}

export function floorDecimal({ digits, scale }: Decimal): bigint {
  const unit = powerOfTen(scale);
  const whole = digits / unit;
  return digits < 0n && whole * unit !== digits ? whole - 1n : whole;
}
