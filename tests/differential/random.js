'use strict';
// random.js - a seeded stream of numbers: the same seed gives the same cases on every machine. (sfc32, as published by C. Doty-Humphrey.)

class Random {
	constructor(seed, stream) {
		this.a = seed | 0;
		this.b = stream | 0;
		this.c = 0x9e3779b9 | 0;
		this.count = 1;
		for (let i = 0; i < 15; i++)
			this.bits();
	}

	bits() {
		const t = (((this.a + this.b) | 0) + this.count) | 0;

		this.count = (this.count + 1) | 0;
		this.a = this.b ^ (this.b >>> 9);
		this.b = (this.c + (this.c << 3)) | 0;
		this.c = (this.c << 21) | (this.c >>> 11);
		this.c = (this.c + t) | 0;
		return t >>> 0;
	}

	below(n) {
		return this.bits() % n;
	}

	// From `low` to `high`, both included.
	range(low, high) {
		return low + this.below(high - low + 1);
	}

	// True in `percent` of a hundred.
	often(percent) {
		return this.below(1000) < percent * 10;
	}

	pick(list) {
		return list[this.below(list.length)];
	}

	// `n` different ones, fewer where there are fewer.
	some(list, n) {
		const rest = list.slice(), ret = [];

		while (ret.length < n && rest.length)
			ret.push(rest.splice(this.below(rest.length), 1)[0]);
		return ret;
	}

	// One of [[weight, what], …].
	weighted(rows) {
		let at = this.below(rows.reduce((sum, row) => sum + row[0], 0));

		for (const [weight, what] of rows) {
			if (at < weight)
				return what;
			at -= weight;
		}
		return undefined;
	}
}

module.exports = { Random };
