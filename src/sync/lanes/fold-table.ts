/**
 * What some collation of MariaDB 10.11 or MySQL 9.7 takes for a digit or letter that fold.ts keeps, though
 * Unicode does not decompose it into that. Found by comparing the weights of all characters under all
 * collations (test/sync/fold.test.ts does it again).
 */

/** Digits or letters, and the characters (decomposed, lower case) that equal them. */
const EQUALS: readonly (readonly [string, string])[] = [
  ['0', '༳៰⓿〇౸\u{1f10b}\u{1f10c}'],
  ['1', '৴༪፩៱⓵❶➀➊〡౹౼᧚'],
  ['10', '⓾❿➉➓㉈'],
  ['11', '⓫'],
  ['12', '⓬'],
  ['13', '⓭'],
  ['14', '⓮'],
  ['15', '⓯'],
  ['16', '⓰'],
  ['17', '⓱'],
  ['18', '⓲'],
  ['19', '⓳'],
  ['2', '৵༫፪៲⓶❷➁➋〢౺౽'],
  ['20', '⓴㉉'],
  ['2k', '\u{1f19d}'],
  ['3', '৶༬፫៳⓷❸➂➌〣౻౾'],
  ['30', '㉊'],
  ['3d', '\u{1f19b}'],
  ['4', '৷༭፬៴⓸❹➃➍〤'],
  ['40', '㉋'],
  ['4k', '\u{1f19e}'],
  ['5', '༮፭៵⓹❺➄➎〥'],
  ['50', '㉌'],
  ['6', '༯፮៶⓺❻➅➏〦ↅ'],
  ['60', '㉍'],
  ['7', '༰፯៷⓻❼➆➐〧'],
  ['70', '㉎'],
  ['8', '༱፰៸⓼❽➇➑〨'],
  ['80', '㉏'],
  ['8k', '\u{1f19f}'],
  ['9', '༲፱៹⓽❾➈➒〩'],
  ['b', '\u{1de8}\u{1f151}\u{1f171}\u{1f18e}'],
  ['d', 'ðđ\u{369}\u{1dd8}\u{1dd9}\u{1f153}\u{1f173}\u{1f1a5}\u{1f194}'],
  ['db', 'ȸ'],
  ['dz', 'ʣ'],
  ['f', 'ƒ\u{1deb}\u{1f155}\u{1f175}'],
  ['g', 'ᵹ\u{1dda}\u{1acc}\u{1f156}\u{1f176}'],
  ['k', '\u{1ddc}\u{1f15a}\u{1f17a}\u{1f197}'],
  ['l', 'łʪ\u{1ddd}\u{1f17b}\u{1f15b}\u{1f191}'],
  ['ll', 'ỻ'],
  ['lz', 'ʫ'],
  ['m', '\u{36b}\u{1f17c}\u{1f15c}'],
  ['n', '\u{1de0}\u{1f15d}\u{1f17d}'],
  ['ng', '\u{1f196}'],
  ['p', '\u{1f15f}\u{1f17f}\u{1f18a}\u{1f18c}\u{1dee}'],
  ['q', '\u{1f160}\u{1f180}'],
  ['qp', 'ȹ'],
  ['r', '\u{36c}\u{1dca}\u{1acd}\u{1de3}\u{1f161}\u{1f181}'],
  ['t', '\u{36d}ƾʦᵺ\u{1ace}\u{1f163}\u{1f183}þ'],
  ['x', '\u{36f}\u{1f167}\u{1f187}'],
  ['z', 'ƍ\u{1de6}\u{1f169}\u{1f189}'],
];

export const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  EQUALS.flatMap(([letters, characters]) =>
    [...characters].map((character) => [character, letters] as const),
  ),
);

/** Han that some collation equals to the radical of another form, or to each other. */
export const RADICALS: ReadonlySet<string> = new Set(
  '丶厂乛乚乙亻冂几刀刂卜卩小尢尣巳幺彑彐忄心扌攵旡日月歺民氵氺灬爫丬牛犭王疋目示礻竹糹纟罓罒羊羋耂肀聿肉臼艹虎衤覀西见角讠贝足车辶邑钅長镸长门阜阝雨青韦页风飞食飠饣首马骨鬼鱼鸟鹵麦黄黾齊齐齒齿龍龙龜',
);
