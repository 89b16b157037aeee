// The catalogue of English, in which the texts are written: none stands for another one.

export default {};
