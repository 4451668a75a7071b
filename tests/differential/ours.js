'use strict';
// ours.js - our engine: one process (decide.c) that answers line by line, in order.
const { spawn } = require('node:child_process');

class Ours {
	constructor(program) {
		this.waiting = [];
		this.rest = [];
		this.child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
		this.child.stdout.setEncoding('utf8');
		this.child.stdout.on('data', (text) => this.take(text));
		this.child.on('error', (e) => this.end(e.message));
		this.child.on('exit', (code, signal) => this.end('our program ended: ' + (signal || code)));
		this.child.stdin.on('error', () => {});
	}

	take(text) {
		const lines = text.split('\n');

		this.rest.push(lines[0]);
		for (let i = 1; i < lines.length; i++) {
			this.waiting.shift().resolve(JSON.parse(this.rest.join('')));
			this.rest = [lines[i]];
		}
	}

	end(why) {
		this.ended = why;
		for (const { reject } of this.waiting.splice(0))
			reject(new Error(why));
	}

	ask(line) {
		if (this.ended)
			return Promise.reject(new Error(this.ended));
		return new Promise((resolve, reject) => {
			this.waiting.push({ resolve, reject });
			this.child.stdin.write(JSON.stringify(line) + '\n');
		});
	}

	decide(test) {
		const links = test.links && { json: JSON.stringify({ staticPolicies: {}, templates: {}, templateLinks: test.links }) };

		return this.ask({
			...(test.json ? { json: JSON.stringify(test.json) } : { policies: test.texts.join('\n'), ...links }),
			...(test.schema && { schema: test.schema }),
			entities: JSON.stringify(test.entities),
			requests: test.requests.map((request) => JSON.stringify(request)),
		});
	}

	// Of each policy: null where it is valid, else why not.
	async validate(test) {
		const answer = await this.ask({ validate: test.texts, schema: test.schema });

		return answer.valid || test.texts.map(() => answer.refused);
	}

	async parseSchemas(texts) {
		return (await this.ask({ parseSchema: texts })).parse;
	}

	async parse(texts) {
		return (await this.ask({ parse: texts })).parse;
	}

	async parseJson(sets) {
		return (await this.ask({ parseJson: sets.map((set) => JSON.stringify(set)) })).parse;
	}

	close() {
		this.child.stdin.end();
	}
}

module.exports = { Ours };
