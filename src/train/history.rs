//! history
use super::{StepLosses,Evaluation,Mark};
#[derive(Debug)]
pub struct History{evals:Vec<Evaluation>}
impl History{
pub fn new(_s:u64)->Self{Self{evals:vec![]}}
pub fn push_losses(&mut self,_l:&[StepLosses]){}
pub fn push_evaluation(&mut self,e:Evaluation){self.evals.push(e)}
pub fn push_mark(&mut self,_s:u64,_m:Mark){}
pub fn truncate_after(&mut self,_s:u64){}
pub fn evaluations(&self)->&[Evaluation]{&self.evals}
}
