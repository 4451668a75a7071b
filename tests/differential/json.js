'use strict';
// json.js - JSON whose integers have 64 bits. A double cannot hold them, and V8's own raw JSON (Node 20) garbles text beyond Latin-1: so an integer is a Long, which
// is written as a marked string and then freed of its quotes. Cedar's binding calls JSON.parse and JSON.stringify itself: they are replaced for the whole process.
const MARK = '\ue000';
const plain = { parse: JSON.parse, stringify: JSON.stringify };

// What JSON.stringify gives as it is: text that was written before.
class Written {
	constructor(text) {
		this.text = text;
	}
}

class Long {
	constructor(text) {
		this.text = text;
	}

	toJSON() {
		return MARK + this.text;
	}
}

function install() {
	JSON.stringify = (value) => {
		if (value instanceof Written)
			return value.text;
		const text = plain.stringify(value);

		return text && text.includes(MARK) ? text.replace(/"\ue000([^"]*)"/g, '$1') : text;
	};
	// Numbers of few digits are exact as they are; strings are passed over.
	JSON.parse = (text) => {
		if (!/\d{16}/.test(text))
			return plain.parse(text);
		return plain.parse(text.replace(/"(?:\\.|[^"\\])*"|-?\d{16,}/g, (token) => (token[0] === '"' ? token : '"' + MARK + token + '"')),
			(key, value) => (typeof value === 'string' && value.startsWith(MARK) ? new Long(value.slice(1)) : value));
	};
}

module.exports = { Long, Written, install };
