import fc from 'fast-check';

/**
 * Properties run with one fixed seed, so that a commit that passed passes again. `FC_SEED=random npm test`
 * looks further; a number repeats what a failure printed.
 */
const wanted = process.env['FC_SEED'] ?? '20240117';
if (wanted !== 'random') fc.configureGlobal({ seed: Number(wanted) });
