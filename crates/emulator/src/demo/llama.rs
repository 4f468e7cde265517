//! `meta/meta-llama-3-8b-instruct`: writes text, word by word.
//!
//! A Markov chain over a small text and the prompt stands in for the network. It has the same inputs, streams tokens,
//! and returns the same text for the same seed.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::corpus::SENTENCES;
use super::random::{Random, seed_or_random};
use crate::model::{BuiltIn, Card, HIDDEN, Input, Model, Run, Work, timing};

const TOKEN_TIME: Duration = Duration::from_millis(6);
// A few sentences, unless `min_tokens` asks for more.
const USUAL_TOKENS: usize = 60;

/// The model and the sentences it has learned.
pub(super) struct Llama {
    sentences: Vec<Vec<String>>,
}

impl Default for Llama {
    fn default() -> Self {
        Self { sentences: split_sentences(SENTENCES) }
    }
}

impl BuiltIn for Llama {
    fn card(&self) -> Card {
        Card {
            owner: "meta",
            name: "meta-llama-3-8b-instruct",
            description: "Writes a few sentences in answer to a prompt, token by token. Here a small Markov chain \
                          stands in for the language model.",
            official: true,
            versions: &[(HIDDEN, None)],
            schema: include_str!("schemas/llama.json").into(),
            streams: true,
            timing: timing(15, 0),
            example_input: r#"{"prompt": "Write a short poem about the harbor", "seed": 7}"#.into(),
        }
    }
}

impl Model for Llama {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(self.write(input, run))
    }
}

/// The sampling parameters.
struct Sampling {
    temperature: f64,
    top_p: f64,
    top_k: usize,
    presence_penalty: f64,
}

impl Llama {
    async fn write(&self, input: Input, run: Run) -> Result<(), String> {
        let prompt = input.required_text("prompt")?;
        let system = input.text("system_prompt").unwrap_or_default();
        let template = input.text("prompt_template").unwrap_or_else(|| "{prompt}".into());
        let full = template.replace("{system_prompt}", &system).replace("{prompt}", &prompt);
        let max_tokens =
            input.integer("max_new_tokens").or_else(|| input.integer("max_tokens")).unwrap_or(512);
        let max_tokens = usize::try_from(max_tokens).unwrap_or(1);
        let min_tokens =
            usize::try_from(input.integer("min_tokens").unwrap_or(0)).unwrap_or(0).min(max_tokens);
        let seed = seed_or_random(input.integer("seed"));
        let sampling = Sampling {
            temperature: input.number("temperature").unwrap_or(0.7),
            top_p: input.number("top_p").unwrap_or(0.95),
            top_k: usize::try_from(input.integer("top_k").unwrap_or(0)).unwrap_or(0),
            presence_penalty: input.number("presence_penalty").unwrap_or(0.0),
        };
        let stops = input.text("stop_sequences").unwrap_or_default();
        let stops: Vec<&str> = stops.split(',').filter(|stop| !stop.is_empty()).collect();
        run.log(format!("Random seed used: `{seed}`"));
        run.log(format!("Prompt tokens: {}", words(&full).len()));

        let began = Instant::now();
        let mut writer = Writer::new(&self.sentences, &full, &system, seed);
        let mut first_token = None;
        let (mut count, mut written) = (0, String::new());
        while count < max_tokens {
            let enough = count >= min_tokens.max(USUAL_TOKENS);
            if writer.at_sentence_end() && enough {
                break;
            }
            let token = writer.next(&sampling);
            written.push_str(&token);
            if let Some(at) = stops.iter().filter_map(|stop| written.find(stop)).min() {
                // The unsent part before the stop sequence belongs to the output.
                let sent = written.len() - token.len();
                if at > sent {
                    run.emit(&written[sent..at]);
                    count += 1;
                }
                break;
            }
            run.emit(&token);
            count += 1;
            first_token.get_or_insert_with(|| began.elapsed().as_secs_f64());
            run.sleep(TOKEN_TIME).await;
        }
        let took = began.elapsed().as_secs_f64();
        run.metric("input_token_count", words(&full).len() as f64);
        run.metric("output_token_count", count as f64);
        run.metric("time_to_first_token", first_token.unwrap_or(took));
        run.metric("tokens_per_second", count as f64 / took.max(1e-6));
        Ok(())
    }
}

/// Generates tokens by a walk through the chain.
struct Writer {
    /// The words that follow two words, with weights.
    pairs: HashMap<(String, String), Vec<(String, f64)>>,
    /// The words that follow one word, for pairs that do not occur.
    singles: HashMap<String, Vec<(String, f64)>>,
    openings: Vec<Vec<String>>,
    /// The stems of the prompt's words, which are preferred.
    topic: HashSet<String>,
    used: HashSet<String>,
    random: Random,
    previous: (String, String),
    queued: Vec<String>,
    started: bool,
}

impl Writer {
    fn new(sentences: &[Vec<String>], prompt: &str, system: &str, seed: i64) -> Self {
        let topic: HashSet<String> =
            words(prompt).iter().map(|word| stem(word)).filter(|stem| stem.len() > 3).collect();
        let about = |sentence: &[String]| sentence.iter().filter(|word| topic.contains(&stem(word))).count();
        // Sentences on the topic weigh more.
        let weights: Vec<f64> = sentences.iter().map(|sentence| 1.0 + 2.0 * about(sentence) as f64).collect();
        let mut openings: Vec<_> = sentences.iter().filter(|sentence| about(sentence) > 0).cloned().collect();
        if openings.is_empty() {
            openings = sentences.to_vec();
        }
        let mut writer = Self {
            pairs: HashMap::new(),
            singles: HashMap::new(),
            openings,
            used: HashSet::new(),
            random: Random::from_parts(&[prompt.as_bytes(), system.as_bytes(), &seed.to_le_bytes()]),
            previous: Default::default(),
            queued: Vec::new(),
            started: false,
            topic,
        };
        for (sentence, weight) in sentences.iter().zip(weights) {
            writer.learn(sentence, weight);
        }
        for sentence in split_sentences(prompt).iter().filter(|sentence| sentence.len() > 3) {
            writer.learn(sentence, 0.5);
        }
        writer
    }

    fn learn(&mut self, sentence: &[String], weight: f64) {
        for triple in sentence.windows(3) {
            let pair = (triple[0].clone(), triple[1].clone());
            count(self.pairs.entry(pair).or_default(), &triple[2], weight);
        }
        for pair in sentence.windows(2) {
            count(self.singles.entry(pair[0].clone()).or_default(), &pair[1], weight);
        }
    }

    fn at_sentence_end(&self) -> bool {
        self.queued.is_empty() && ends_sentence(&self.previous.1)
    }

    /// Returns the next token: a word and the space before it.
    fn next(&mut self, sampling: &Sampling) -> String {
        if self.queued.is_empty() && (!self.started || ends_sentence(&self.previous.1)) {
            let opening = &self.openings[self.random.index(self.openings.len())];
            self.queued = opening.iter().take(2).rev().cloned().collect();
        }
        let word = match self.queued.pop() {
            Some(word) => word,
            None => self.choose(sampling),
        };
        let token = if self.started { format!(" {word}") } else { word.clone() };
        self.started = true;
        self.used.insert(stem(&word));
        self.previous = (std::mem::take(&mut self.previous.1), word);
        token
    }

    /// Samples the next word.
    fn choose(&mut self, sampling: &Sampling) -> String {
        let followers = self.pairs.get(&self.previous).filter(|followers| !followers.is_empty());
        // Sometimes follows one word instead of two, so that it does not repeat whole sentences.
        let loose = sampling.temperature > 0.0 && self.random.unit() < 0.35;
        let followers = if loose { self.singles.get(&self.previous.1).or(followers) } else { followers };
        let Some(followers) = followers else { return ".".into() };
        let mut options: Vec<(&str, f64)> = Vec::with_capacity(followers.len());
        for (word, weight) in followers {
            let wanted = if self.topic.contains(&stem(word)) { 2.0 } else { 1.0 };
            let penalty =
                if self.used.contains(&stem(word)) { (-sampling.presence_penalty).exp() } else { 1.0 };
            options.push((word, weight * wanted * penalty));
        }
        options.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        if sampling.temperature <= 0.0 {
            return options[0].0.to_owned();
        }
        if sampling.top_k > 0 {
            options.truncate(sampling.top_k);
        }
        let powers: Vec<f64> =
            options.iter().map(|(_, weight)| weight.powf(1.0 / sampling.temperature)).collect();
        let total: f64 = powers.iter().sum();
        let mut kept = 0.0;
        let within = powers.iter().take_while(|power| {
            let before = kept / total;
            kept += **power;
            before < sampling.top_p
        });
        let within = within.count().max(1);
        let mut draw = f64::from(self.random.unit()) * powers[..within].iter().sum::<f64>();
        for (index, power) in powers[..within].iter().enumerate() {
            draw -= power;
            if draw <= 0.0 {
                return options[index].0.to_owned();
            }
        }
        options[within - 1].0.to_owned()
    }
}

fn count(followers: &mut Vec<(String, f64)>, word: &str, weight: f64) {
    match followers.iter_mut().find(|(known, _)| known == word) {
        Some((_, total)) => *total += weight,
        None => followers.push((word.into(), weight)),
    }
}

fn split_sentences(text: &str) -> Vec<Vec<String>> {
    let mut sentences = Vec::new();
    let mut sentence = Vec::new();
    for word in words(text) {
        let ends = ends_sentence(&word);
        sentence.push(word);
        if ends {
            sentences.push(std::mem::take(&mut sentence));
        }
    }
    if !sentence.is_empty() {
        sentences.push(sentence);
    }
    sentences
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn ends_sentence(word: &str) -> bool {
    word.ends_with(['.', '!', '?'])
}

/// Returns a word in lower case without punctuation and plural, roughly.
fn stem(word: &str) -> String {
    let plain: String = word.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    plain.strip_suffix('s').unwrap_or(&plain).to_owned()
}
