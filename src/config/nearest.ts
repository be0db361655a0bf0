/** The known word nearest to what was typed, or null when none is near enough to be meant. */
export function nearestWord(typed: string, known: Iterable<string>): string | null {
  const wanted = normalise(typed);
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(typed.length / 3)) + 1;
  for (const word of known) {
    const distance = editDistance(wanted, normalise(word), bestDistance);
    if (distance < bestDistance) {
      best = word;
      bestDistance = distance;
    }
  }
  return best;
}

/** `, did you mean "x"?`, or '' where nothing is near. */
export function didYouMean(typed: string, known: Iterable<string>): string {
  const word = nearestWord(typed, known);
  return word === null ? '' : `, did you mean "${word}"?`;
}

function normalise(word: string): string {
  return word.toLowerCase().replaceAll('_', '-');
}

/** Edit distance with neighbour swaps counted once; any value >= limit may come back as limit. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        (previous[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? limit;
}
